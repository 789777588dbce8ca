// What a namespace, a pod and a container are granted of the reading, by the configuration and the
// pod's own wishes.
#pragma once

#include <cstdint>
#include <vector>

#include "config/config.h"
#include "metadata/pod_info.h"

namespace hinomi {

struct Share {
  uint32_t weight = 1;
  uint64_t bytes_per_second = 0;  // 0: no limit
  uint64_t burst_bytes = 0;
  Exceeded exceeded = Exceeded::kDelay;
};

struct Shares {
  Share of_namespace;
  Share of_pod;
  Share of_log;
};

/// For each of them the first rule that is about such and matches; for the pod also what its
/// annotations ask for.
Shares SharesOf(const std::vector<ShareConfig>& rules, const PodInfo& pod);

}  // namespace hinomi
