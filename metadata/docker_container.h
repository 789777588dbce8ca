// Who is behind a container that docker runs without Kubernetes, and by what name the agent knows
// it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metadata/pod_info.h"

namespace hinomi {

inline constexpr std::string_view kComposeProjectLabel = "com.docker.compose.project";
inline constexpr std::string_view kComposeServiceLabel = "com.docker.compose.service";

struct DockerContainer {
  std::string id;
  std::string name;
  std::string image;
  std::vector<std::pair<std::string, std::string>> labels;
  bool kubernetes = false;  // has labels of the kubelet: its log is found below pods_dir
};

/// The label's value; empty when there is none.
std::string_view LabelOf(const DockerContainer& container, std::string_view label);

/// What stands for a pod outside Kubernetes, for routes, metrics and sinks: the namespace is the
/// compose project, else "docker"; the pod the compose service, else the container's name; the UID
/// the container's id.
PodInfo PodInfoOf(std::shared_ptr<const DockerContainer> container);

}  // namespace hinomi
