// The node's software RAID.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kMdadmMetrics[] = {
    {"node_md_disks", MetricType::kGauge, "", "device, state", "/sys/block/md*/md",
     "Disks of an array by their state: active, failed, spare."},
    {"node_md_disks_required", MetricType::kGauge, "", "device", "/sys/block/md*/md",
     "Disks that an array is made for."},
    {"node_md_state", MetricType::kGauge, "", "device, state", "/sys/block/md*/md",
     "1 for the state that an array is in: active, check, inactive, recovering, resync."},
};

std::unique_ptr<Collector> MakeMdadm(const CollectorParts& parts);

}  // namespace hinomi
