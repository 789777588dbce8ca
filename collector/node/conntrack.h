// Connections that the node's kernel tracks.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr std::string_view kConntrackFile = "/proc/1/net/stat/nf_conntrack";

inline constexpr MetricInfo kConntrackMetrics[] = {
    {"node_nf_conntrack_entries", MetricType::kGauge, "", "", kConntrackFile,
     "Connections that are tracked."},
    {"node_nf_conntrack_stat_found", MetricType::kGauge, "", "", kConntrackFile,
     "Packets that belonged to a connection."},
    {"node_nf_conntrack_stat_invalid", MetricType::kGauge, "", "", kConntrackFile,
     "Packets that cannot be tracked."},
    {"node_nf_conntrack_stat_ignore", MetricType::kGauge, "", "", kConntrackFile,
     "Packets that belonged to a connection which is not tracked."},
    {"node_nf_conntrack_stat_insert", MetricType::kGauge, "", "", kConntrackFile,
     "Connections that were entered."},
    {"node_nf_conntrack_stat_insert_failed", MetricType::kGauge, "", "", kConntrackFile,
     "Connections that were there already when they were entered."},
    {"node_nf_conntrack_stat_drop", MetricType::kGauge, "", "", kConntrackFile,
     "Packets that were dropped because a connection could not be entered."},
    {"node_nf_conntrack_stat_early_drop", MetricType::kGauge, "", "", kConntrackFile,
     "Connections that gave way to others because the table was full."},
    {"node_nf_conntrack_stat_search_restart", MetricType::kGauge, "", "", kConntrackFile,
     "Searches that began anew because the table was resized."},
    {"node_nf_conntrack_entries_limit", MetricType::kGauge, "", "",
     "/proc/sys/net/netfilter/nf_conntrack_max", "How many connections can be tracked."},
};

/// By the title of their column: entries as in the first row, all others summed over processors.
/// Error: corrupt.
Result<NamedValues> ParseConntrack(std::string_view text);

std::unique_ptr<Collector> MakeConntrack(const CollectorParts& parts);

}  // namespace hinomi
