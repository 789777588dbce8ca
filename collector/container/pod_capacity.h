// How many pods the node may have, as its kubelet was told when it was started: by its command
// line, or by the files that it names. Nothing where there is no kubelet of its own, as with k3s.
// Source: --max-pods, --config-dir and --config of the kubelet, in that order; maxPods of
// kubelet.config.k8s.io/v1beta1, by default 110.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "collector/container/network.h"
#include "collector/host.h"

namespace hinomi {

class PodCapacity {
 public:
  /// `configured`: what the operator says, or zero.
  PodCapacity(const Host& host, uint64_t configured, const Clock& clock)
      : host_(host), configured_(configured), clock_(clock) {}

  /// Looks for the kubelet again once it has ended, once a minute at most. One thread at a time.
  std::optional<uint64_t> Read();

 private:
  void Look();
  std::optional<uint64_t> ReadFile(const std::string& path) const;

  const Host& host_;
  const uint64_t configured_;
  const Clock& clock_;
  WatchedProcess kubelet_;
  std::optional<Duration> looked_;  // monotonic
  std::optional<uint64_t> capacity_;
};

}  // namespace hinomi
