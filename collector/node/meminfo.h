// What the node's memory is used for.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kMeminfoMetrics[] = {
    {"node_memory_*", MetricType::kGauge, "bytes", "", "/proc/meminfo",
     "A line of /proc/meminfo, such as node_memory_MemAvailable_bytes; a number of pages where the "
     "name does not end with _bytes."},
};

/// Active(anon) is named Active_anon_bytes, and HugePages_Total, which has no unit, stays as it is.
/// Error: corrupt.
Result<NamedValues> ParseMeminfo(std::string_view text);

std::unique_ptr<Collector> MakeMeminfo(const CollectorParts& parts);

}  // namespace hinomi
