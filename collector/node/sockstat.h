// The sockets of the node's own network.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kSockstatMetrics[] = {
    {"node_sockstat_*", MetricType::kGauge, "", "", "/proc/1/net/sockstat, /proc/1/net/sockstat6",
     "A number of sockets by protocol and state, such as node_sockstat_TCP_inuse; memory in pages, "
     "and in bytes where the name ends with _bytes."},
};

/// Of the text of either file. What is called mem counts pages, and is given in bytes as well.
/// Error: corrupt.
Result<NamedValues> ParseSockstat(std::string_view text);

std::unique_ptr<Collector> MakeSockstat(const CollectorParts& parts);

}  // namespace hinomi
