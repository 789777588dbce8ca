// What the node's virtual memory has done.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kVmstatMetrics[] = {
    {"node_vmstat_*", MetricType::kUntyped, "", "", "/proc/vmstat",
     "A line of /proc/vmstat: oom_kill, pgfault, pgmajfault, pgpgin, pgpgout, pswpin, pswpout."},
};

/// Those of the lines that node_exporter serves by default. Error: corrupt.
Result<NamedValues> ParseVmstat(std::string_view text);

std::unique_ptr<Collector> MakeVmstat(const CollectorParts& parts);

}  // namespace hinomi
