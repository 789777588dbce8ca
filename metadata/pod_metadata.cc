#include "metadata/pod_metadata.h"

#include <algorithm>

#include "metadata/workload.h"

namespace hinomi {

std::string_view ToString(ContainerState state) {
  constexpr std::string_view kNames[kContainerStates] = {"unknown", "created", "running", "exited"};
  return kNames[static_cast<size_t>(state)];
}

const ContainerMetadata* FindContainer(const PodMetadata& pod, std::string_view name,
                                       uint32_t attempt) {
  const auto found = std::find_if(pod.containers.begin(), pod.containers.end(),
                                  [&](const ContainerMetadata& container) {
                                    return container.name == name && container.attempt == attempt;
                                  });
  return found == pod.containers.end() ? nullptr : &*found;
}

std::string WorkloadNameOf(const PodMetadata& pod, std::string_view node_name) {
  return pod.owner.kind.empty() ? WorkloadOf(pod.name, node_name).name : pod.owner.name;
}

void Enrich(std::shared_ptr<const PodMetadata> pod, PodInfo* info) {
  if (pod != nullptr && !pod->owner.kind.empty()) {
    info->workload_name = pod->owner.name;
    info->workload_kind = pod->owner.kind;
  }
  info->metadata = std::move(pod);
}

}  // namespace hinomi
