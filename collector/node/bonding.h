// Interfaces of the node that are made of others.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kBondingMetrics[] = {
    {"node_bonding_active", MetricType::kGauge, "", "master", "/sys/class/net",
     "Interfaces of a bond that work."},
    {"node_bonding_slaves", MetricType::kGauge, "", "master", "/sys/class/net",
     "Interfaces of a bond."},
};

std::unique_ptr<Collector> MakeBonding(const CollectorParts& parts);

}  // namespace hinomi
