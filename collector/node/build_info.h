// Which program serves the metrics of the node.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kBuildInfoMetrics[] = {
    {"node_exporter_build_info", MetricType::kGauge, "", "version", "the agent",
     "Always 1; the agent's version, where dashboards look for node_exporter's."},
};

std::unique_ptr<Collector> MakeBuildInfo(const CollectorParts& parts);

}  // namespace hinomi
