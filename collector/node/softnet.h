// What the node's processors did with received packets.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr std::string_view kSoftnetFile = "/proc/1/net/softnet_stat";

inline constexpr MetricInfo kSoftnetMetrics[] = {
    {"node_softnet_processed_total", MetricType::kCounter, "", "cpu", kSoftnetFile,
     "Packets that a processor took."},
    {"node_softnet_dropped_total", MetricType::kCounter, "", "cpu", kSoftnetFile,
     "Packets that a processor dropped because its queue was full."},
    {"node_softnet_times_squeezed_total", MetricType::kCounter, "", "cpu", kSoftnetFile,
     "Times that a processor left packets for later because its turn was over."},
    {"node_softnet_cpu_collision_total", MetricType::kCounter, "", "cpu", kSoftnetFile,
     "Collisions when a processor wanted to send."},
    {"node_softnet_received_rps_total", MetricType::kCounter, "", "cpu", kSoftnetFile,
     "Times that a processor was woken to take packets of another one."},
    {"node_softnet_flow_limit_count_total", MetricType::kCounter, "", "cpu", kSoftnetFile,
     "Times that a flow was at its limit."},
    {"node_softnet_backlog_len", MetricType::kGauge, "", "cpu", kSoftnetFile,
     "Packets in a processor's queue."},
};

/// A row per processor, its columns as the metrics. Error: corrupt.
Result<Table> ParseSoftnet(std::string_view text);

std::unique_ptr<Collector> MakeSoftnet(const CollectorParts& parts);

}  // namespace hinomi
