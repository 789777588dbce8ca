// Who is behind a container's log.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace hinomi {

struct DockerContainer;
struct PodMetadata;

struct PodInfo {
  std::string namespace_name;
  std::string pod_name;
  std::string pod_uid;
  std::string container_name;
  uint32_t restart_count = 0;
  std::string workload_name;  // from ownerReferences, else from the pod's name; never empty
  std::string workload_kind;  // "Deployment", "CronJob", …; empty when the name alone does not tell
  /// Of a container outside Kubernetes: what the fields above stand for is then told by PodInfoOf
  /// (metadata/docker_container.h), and there is no workload.
  std::shared_ptr<const DockerContainer> docker = nullptr;
  /// What else is known of the pod, from Enrich (metadata/pod_metadata.h); null when nothing is.
  std::shared_ptr<const PodMetadata> metadata = nullptr;
  bool metadata_missing = false;  // somebody was there to ask, and did not tell in time
};

}  // namespace hinomi
