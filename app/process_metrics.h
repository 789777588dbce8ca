// What the agent itself costs, under the names that every Prometheus client uses.
#pragma once

#include "base/metrics.h"

namespace hinomi {

/// Registers process_* and hinomi_build_info; they are read at scrape.
/// Source: /proc/self/{stat,statm,fd}, getrlimit(2), getrusage(2).
void RegisterProcessMetrics(Metrics& metrics);

}  // namespace hinomi
