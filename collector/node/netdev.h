// What the interfaces of the node have carried.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr std::string_view kNetdevFile = "/proc/1/net/dev";

// In the order of the file's columns.
inline constexpr MetricInfo kNetdevMetrics[] = {
    {"node_network_receive_bytes_total", MetricType::kCounter, "bytes", "device", kNetdevFile,
     "Bytes received."},
    {"node_network_receive_packets_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Packets received."},
    {"node_network_receive_errs_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Packets received with errors."},
    {"node_network_receive_drop_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Packets received and dropped."},
    {"node_network_receive_fifo_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Packets lost because the device's buffer was full."},
    {"node_network_receive_frame_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Packets received that were no frames."},
    {"node_network_receive_compressed_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Compressed packets received."},
    {"node_network_receive_multicast_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Multicast packets received."},
    {"node_network_transmit_bytes_total", MetricType::kCounter, "bytes", "device", kNetdevFile,
     "Bytes sent."},
    {"node_network_transmit_packets_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Packets sent."},
    {"node_network_transmit_errs_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Packets not sent because of errors."},
    {"node_network_transmit_drop_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Packets dropped instead of being sent."},
    {"node_network_transmit_fifo_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Packets not sent because the device's buffer ran empty."},
    {"node_network_transmit_colls_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Collisions while sending."},
    {"node_network_transmit_carrier_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Packets not sent for want of a carrier."},
    {"node_network_transmit_compressed_total", MetricType::kCounter, "", "device", kNetdevFile,
     "Compressed packets sent."},
};

/// A row per interface, its columns as the metrics. Error: corrupt.
Result<Table> ParseNetdev(std::string_view text);

std::unique_ptr<Collector> MakeNetdev(const CollectorParts& parts);

}  // namespace hinomi
