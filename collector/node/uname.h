// The node's kernel.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kUnameMetrics[] = {
    {"node_uname_info", MetricType::kGauge, "",
     "domainname, machine, nodename, release, sysname, version", "uname(2)",
     "Always 1; its labels name the kernel."},
};

std::unique_ptr<Collector> MakeUname(const CollectorParts& parts);

}  // namespace hinomi
