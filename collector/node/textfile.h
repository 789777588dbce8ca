// What others say of the node, in files.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kTextfileMetrics[] = {
    {"*", MetricType::kUntyped, "", "", "*.prom in metrics.textfile_directory",
     "Any name that such a file has."},
    {"node_textfile_mtime_seconds", MetricType::kGauge, "seconds", "file", "stat(2)",
     "When a file was last changed, since the Unix epoch."},
    {"node_textfile_scrape_error", MetricType::kGauge, "", "", "the agent",
     "Whether a file could not be read or was refused."},
};

/// Has to be the last of its endpoint: names that others have served are refused.
std::unique_ptr<Collector> MakeTextfile(const CollectorParts& parts);

}  // namespace hinomi
