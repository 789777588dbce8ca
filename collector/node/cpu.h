// What the node's processors spent their time with.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kCpuMetrics[] = {
    {"node_cpu_seconds_total", MetricType::kCounter, "seconds", "cpu, mode", "/proc/stat",
     "Time that a processor spent in a mode; user and nice include their guests."},
    {"node_cpu_guest_seconds_total", MetricType::kCounter, "seconds", "cpu, mode", "/proc/stat",
     "Time that a processor spent running guests."},
};

/// A row per processor: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice,
/// in ticks; kernels before 2.6.33 have fewer. Error: corrupt.
Result<Table> ParseCpuTimes(std::string_view text);

/// `now`, but a time that went back by less than three seconds since `before` stays: the kernel's
/// idle and iowait do so, and Prometheus would take it for a restart. A processor whose idle time
/// went back further was switched off and on again, and begins anew.
void KeepFromGoingBack(const TableRow& before, double ticks_per_second, TableRow* now);

std::unique_ptr<Collector> MakeCpu(const CollectorParts& parts);

}  // namespace hinomi
