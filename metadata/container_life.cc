#include "metadata/container_life.h"

namespace hinomi {

ContainerLife::Counters& ContainerLife::Of(const PodMetadata& pod) {
  std::pair<std::string, std::string> key = {pod.namespace_name, WorkloadNameOf(pod, node_)};
  auto found = counters_.find(key);
  if (found != counters_.end()) return found->second;
  if (counters_.size() >= kWorkloadsMax) key = {"_overflow", "_overflow"};
  found = counters_.find(key);
  if (found != counters_.end()) return found->second;
  const Labels labels = {{"namespace", key.first}, {"workload", key.second}};
  return counters_[key] = {
             metrics_.CounterOf("hinomi_containers_started_total", "Containers started.", labels),
             metrics_.CounterOf("hinomi_containers_restarted_total",
                                "Containers started again in the same pod.", labels),
             metrics_.CounterOf("hinomi_containers_oom_killed_total",
                                "Containers that ended because the kernel killed them for want of "
                                "memory.",
                                labels)};
}

void ContainerLife::Started(const PodMetadata& pod, const ContainerMetadata& container) {
  const std::lock_guard lock(mutex_);
  Counters& counters = Of(pod);
  counters.started.Add();
  if (container.attempt > 0) counters.restarted.Add();
}

void ContainerLife::Exited(const PodMetadata& pod, const ContainerMetadata& container) {
  if (container.reason != kOomKilled) return;
  const std::lock_guard lock(mutex_);
  Of(pod).oom_killed.Add();
}

}  // namespace hinomi
