// Who is behind a container's log.
#pragma once

#include <cstdint>
#include <string>

namespace hinomi {

struct PodInfo {
  std::string namespace_name;
  std::string pod_name;
  std::string pod_uid;
  std::string container_name;
  uint32_t restart_count = 0;
  std::string workload_name;  // from ownerReferences, else from the pod's name; never empty
  std::string workload_kind;  // "Deployment", "CronJob", …; empty when the name alone does not tell
};

}  // namespace hinomi
