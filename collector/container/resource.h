// /metrics/resource: what metrics-server asks a kubelet for.
#pragma once

#include "collector/collector.h"
#include "collector/container/container_rows.h"

namespace hinomi {

class Resource final : public Collector {
 public:
  static void AddWanted(ContainerRows::Wanted* wanted);

  explicit Resource(ContainerRows& rows) : rows_(rows) {}

  Result<void> Collect(Exposition& out) override;

 private:
  ContainerRows& rows_;
};

std::span<const MetricInfo> ResourceMetrics();

}  // namespace hinomi
