// How many containers start, start again and are killed for want of memory, by namespace and
// workload: what a storm of containers looks like from the node alone.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "base/metrics.h"
#include "metadata/pod_metadata.h"

namespace hinomi {

class ContainerLife {
 public:
  /// Beyond so many pairs of namespace and workload they are counted as _overflow.
  static constexpr size_t kWorkloadsMax = 1000;

  /// Metrics: hinomi_containers_started_total, hinomi_containers_restarted_total,
  /// hinomi_containers_oom_killed_total {namespace, workload}.
  ContainerLife(std::string node, Metrics& metrics) : node_(std::move(node)), metrics_(metrics) {}

  // Each is told once. Any thread.
  void Started(const PodMetadata& pod, const ContainerMetadata& container);
  void Exited(const PodMetadata& pod, const ContainerMetadata& container);

 private:
  struct Counters {
    Counter started, restarted, oom_killed;
  };
  Counters& Of(const PodMetadata& pod);  // under the lock

  const std::string node_;
  Metrics& metrics_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Counters> counters_;  // namespace, workload
};

inline constexpr std::string_view kOomKilled = "OOMKilled";  // as runtimes call that reason

}  // namespace hinomi
