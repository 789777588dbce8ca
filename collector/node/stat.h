// Totals of the node's kernel since its boot.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kStatMetrics[] = {
    {"node_boot_time_seconds", MetricType::kGauge, "seconds", "", "/proc/stat",
     "When the node booted, since the Unix epoch."},
    {"node_context_switches_total", MetricType::kCounter, "", "", "/proc/stat",
     "Context switches."},
    {"node_forks_total", MetricType::kCounter, "", "", "/proc/stat",
     "Processes and threads that were made."},
    {"node_intr_total", MetricType::kCounter, "", "", "/proc/stat", "Interrupts that were served."},
    {"node_procs_blocked", MetricType::kGauge, "", "", "/proc/stat",
     "Processes that wait for a disk."},
    {"node_procs_running", MetricType::kGauge, "", "", "/proc/stat",
     "Processes that run or could run."},
};

/// In the order of the metrics; nothing for those that the kernel does not have. Error: corrupt.
Result<std::vector<std::optional<double>>> ParseStat(std::string_view text);

std::unique_ptr<Collector> MakeStat(const CollectorParts& parts);

}  // namespace hinomi
