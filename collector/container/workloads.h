// What is known of the workloads on this node: which release their containers run, how many of
// their pods are ready, and how many pods there may be.
#pragma once

#include "collector/collector.h"
#include "collector/container/pod_capacity.h"
#include "metadata/release.h"
#include "metadata/store.h"

namespace hinomi {

std::span<const MetricInfo> WorkloadMetrics();
inline constexpr std::string_view kWorkloadGroup = "workloads";

class Workloads final : public Collector {
 public:
  struct Parts {
    const Host& host;
    const Config& config;
    const MetadataStore* metadata;  // null: nothing is known
    const Clock& clock;
  };

  explicit Workloads(const Parts& parts)
      : metadata_(parts.metadata),
        node_(parts.config.node),
        releases_(parts.config.metadata.release_pattern),
        capacity_(parts.host, parts.config.metrics.pod_capacity, parts.clock) {}

  Result<void> Collect(Exposition& out) override;

 private:
  const MetadataStore* const metadata_;
  const std::string node_;
  const ReleasePattern releases_;
  PodCapacity capacity_;
};

}  // namespace hinomi
