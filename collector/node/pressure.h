// For how long tasks of the node had to wait.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kPressureMetrics[] = {
    {"node_pressure_cpu_waiting_seconds_total", MetricType::kCounter, "seconds", "",
     "/proc/pressure/cpu", "Time that some tasks waited for a processor."},
    {"node_pressure_io_waiting_seconds_total", MetricType::kCounter, "seconds", "",
     "/proc/pressure/io", "Time that some tasks waited for a disk."},
    {"node_pressure_io_stalled_seconds_total", MetricType::kCounter, "seconds", "",
     "/proc/pressure/io", "Time that all tasks waited for a disk."},
    {"node_pressure_memory_waiting_seconds_total", MetricType::kCounter, "seconds", "",
     "/proc/pressure/memory", "Time that some tasks waited for memory."},
    {"node_pressure_memory_stalled_seconds_total", MetricType::kCounter, "seconds", "",
     "/proc/pressure/memory", "Time that all tasks waited for memory."},
    {"node_pressure_irq_stalled_seconds_total", MetricType::kCounter, "seconds", "",
     "/proc/pressure/irq", "Time that all tasks waited for interrupts."},
};

struct Pressure {
  std::optional<double> waiting_seconds, stalled_seconds;  // some, full
  bool operator==(const Pressure&) const = default;
};

/// Of the text of a file of pressure. Error: corrupt.
Result<Pressure> ParsePressure(std::string_view text);

std::unique_ptr<Collector> MakePressure(const CollectorParts& parts);

}  // namespace hinomi
