// What the interfaces of the node are.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr std::string_view kNetclassDirectory = "/sys/class/net";

// Attributes of the kernel's, each a file.
inline constexpr std::string_view kNetclassAttributes[] = {
    "addr_assign_type",
    "carrier",
    "carrier_changes",
    "carrier_down_count",
    "carrier_up_count",
    "dev_id",
    "dormant",
    "flags",
    "ifindex",
    "iflink",
    "link_mode",
    "mtu",
    "name_assign_type",
    "netdev_group",
    "type",
    "speed",
    "statistics/rx_nohandler",
    "tx_queue_len",
};

// Those of the attributes, in their order, and then the other two.
inline constexpr MetricInfo kNetclassMetrics[] = {
    {"node_network_address_assign_type", MetricType::kGauge, "", "device", kNetclassDirectory,
     "How the address of an interface came to be."},
    {"node_network_carrier", MetricType::kGauge, "", "device", kNetclassDirectory,
     "Whether an interface has a carrier."},
    {"node_network_carrier_changes_total", MetricType::kCounter, "", "device", kNetclassDirectory,
     "Times that the carrier of an interface came or went."},
    {"node_network_carrier_down_changes_total", MetricType::kCounter, "", "device",
     kNetclassDirectory, "Times that the carrier of an interface went."},
    {"node_network_carrier_up_changes_total", MetricType::kCounter, "", "device",
     kNetclassDirectory, "Times that the carrier of an interface came."},
    {"node_network_device_id", MetricType::kGauge, "", "device", kNetclassDirectory,
     "Number of an interface among those of its device."},
    {"node_network_dormant", MetricType::kGauge, "", "device", kNetclassDirectory,
     "Whether an interface waits for something outside of it."},
    {"node_network_flags", MetricType::kGauge, "", "device", kNetclassDirectory,
     "Flags of an interface, as the kernel numbers them."},
    {"node_network_iface_id", MetricType::kGauge, "", "device", kNetclassDirectory,
     "Number of an interface on the node."},
    {"node_network_iface_link", MetricType::kGauge, "", "device", kNetclassDirectory,
     "Number of the interface that an interface leads to."},
    {"node_network_iface_link_mode", MetricType::kGauge, "", "device", kNetclassDirectory,
     "Whether an interface becomes dormant by itself."},
    {"node_network_mtu_bytes", MetricType::kGauge, "bytes", "device", kNetclassDirectory,
     "Largest packet of an interface."},
    {"node_network_name_assign_type", MetricType::kGauge, "", "device", kNetclassDirectory,
     "How the name of an interface came to be."},
    {"node_network_net_dev_group", MetricType::kGauge, "", "device", kNetclassDirectory,
     "Group of an interface."},
    {"node_network_protocol_type", MetricType::kGauge, "", "device", kNetclassDirectory,
     "Protocol of an interface, as the kernel numbers them."},
    {"node_network_speed_bytes", MetricType::kGauge, "bytes", "device", kNetclassDirectory,
     "Bytes per second of an interface; negative where the driver does not know."},
    {"node_network_receive_nohandler_total", MetricType::kCounter, "", "device", kNetclassDirectory,
     "Packets received that nobody wanted."},
    {"node_network_transmit_queue_length", MetricType::kGauge, "", "device", kNetclassDirectory,
     "Packets that an interface's queue has room for."},
    {"node_network_up", MetricType::kGauge, "", "device", kNetclassDirectory,
     "Whether an interface is up."},
    {"node_network_info", MetricType::kGauge, "",
     "address, broadcast, device, duplex, ifalias, operstate", kNetclassDirectory,
     "Always 1; its labels say what an interface is."},
};

/// The value of an attribute, decimal or hexadecimal; nothing if it is none.
std::optional<double> ParseNetclassAttribute(std::string_view word);

std::unique_ptr<Collector> MakeNetclass(const CollectorParts& parts);

}  // namespace hinomi
