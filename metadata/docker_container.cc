#include "metadata/docker_container.h"

#include <algorithm>

namespace hinomi {
namespace {

std::string FirstOf(std::string_view first, std::string_view second) {
  return std::string(first.empty() ? second : first);
}

}  // namespace

std::string_view LabelOf(const DockerContainer& container, std::string_view label) {
  const auto found = std::find_if(container.labels.begin(), container.labels.end(),
                                  [label](const auto& entry) { return entry.first == label; });
  return found == container.labels.end() ? std::string_view{} : found->second;
}

PodInfo PodInfoOf(std::shared_ptr<const DockerContainer> container) {
  PodInfo info;
  info.namespace_name = FirstOf(LabelOf(*container, kComposeProjectLabel), "docker");
  info.pod_name = FirstOf(LabelOf(*container, kComposeServiceLabel), container->name);
  info.pod_uid = container->id;
  info.container_name = container->name;
  info.docker = std::move(container);
  return info;
}

}  // namespace hinomi
