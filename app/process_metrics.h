// What the agent itself costs, under the names that every Prometheus client uses.
#pragma once

#include <cstdint>

#include "base/metrics.h"

namespace hinomi {

struct ProcessUsage {
  uint64_t resident_bytes = 0;
  double cpu_seconds = 0;  // user and system, since the start
};
ProcessUsage ReadProcessUsage();

/// Registers process_* and hinomi_build_info; they are read at scrape, as long as the hook lives.
/// Source: /proc/self/{stat,statm,fd}, getrlimit(2), getrusage(2).
[[nodiscard]] Metrics::Hook RegisterProcessMetrics(Metrics& metrics);

}  // namespace hinomi
