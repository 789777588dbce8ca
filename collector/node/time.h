// What time it is on the node.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr std::string_view kClockDirectory = "/sys/devices/system/clocksource/clocksource0";

inline constexpr MetricInfo kTimeMetrics[] = {
    {"node_time_seconds", MetricType::kGauge, "seconds", "", "clock_gettime(2)",
     "The node's time, since the Unix epoch."},
    {"node_time_clocksource_available_info", MetricType::kGauge, "", "clocksource, device",
     kClockDirectory, "Always 1; a source of time that the kernel could use."},
    {"node_time_clocksource_current_info", MetricType::kGauge, "", "clocksource, device",
     kClockDirectory, "Always 1; the source of time that the kernel uses."},
};

std::unique_ptr<Collector> MakeTime(const CollectorParts& parts);

}  // namespace hinomi
