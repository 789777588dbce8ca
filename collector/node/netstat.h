// What the protocols of the node's own network have done.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kNetstatMetrics[] = {
    {"node_netstat_*", MetricType::kUntyped, "", "",
     "/proc/1/net/netstat, /proc/1/net/snmp, /proc/1/net/snmp6",
     "A total of a protocol, such as node_netstat_Tcp_RetransSegs."},
};

/// Of the text of snmp and netstat: pairs of lines, names and then numbers, all of them. Error:
/// corrupt.
Result<NamedValues> ParseNetstat(std::string_view text);
/// Of the text of snmp6. Error: corrupt.
Result<NamedValues> ParseSnmp6(std::string_view text);

std::unique_ptr<Collector> MakeNetstat(const CollectorParts& parts);

}  // namespace hinomi
