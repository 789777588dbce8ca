// The load averages of the node.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kLoadavgMetrics[] = {
    {"node_load1", MetricType::kGauge, "", "", "/proc/loadavg", "Load average of one minute."},
    {"node_load5", MetricType::kGauge, "", "", "/proc/loadavg", "Load average of five minutes."},
    {"node_load15", MetricType::kGauge, "", "", "/proc/loadavg",
     "Load average of fifteen minutes."},
};

struct LoadAverages {
  double one = 0, five = 0, fifteen = 0;
  bool operator==(const LoadAverages&) const = default;
};

/// Of the text of /proc/loadavg. Error: corrupt.
Result<LoadAverages> ParseLoadavg(std::string_view text);

std::unique_ptr<Collector> MakeLoadavg(const CollectorParts& parts);

}  // namespace hinomi
