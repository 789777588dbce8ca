// What the node's scheduler has done.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kSchedstatMetrics[] = {
    {"node_schedstat_running_seconds_total", MetricType::kCounter, "seconds", "cpu",
     "/proc/schedstat", "Time that a processor ran processes."},
    {"node_schedstat_waiting_seconds_total", MetricType::kCounter, "seconds", "cpu",
     "/proc/schedstat", "Time that processes waited for a processor."},
    {"node_schedstat_timeslices_total", MetricType::kCounter, "", "cpu", "/proc/schedstat",
     "Slices of time that a processor gave to processes."},
};

/// A row per processor, its columns as the metrics. Error: corrupt.
Result<Table> ParseSchedstat(std::string_view text);

std::unique_ptr<Collector> MakeSchedstat(const CollectorParts& parts);

}  // namespace hinomi
