// THE table of what is served of containers: each name with the number of a cgroup that it shows.
// All rows have the labels id, name, image, pod, namespace and container; what is absent is empty.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "collector/cgroup/stats.h"
#include "collector/container/network.h"
#include "collector/metric.h"

namespace hinomi {

/// Of one number.
struct ContainerMetric {
  std::string_view group;
  MetricInfo metric;
  Field field;
  std::string_view labels = {};  // encoded; further ones, the same in each row
};
std::span<const ContainerMetric> ContainerMetrics();

/// Of each block device.
struct DeviceMetric {
  MetricInfo metric;
  uint64_t DeviceIo::*count;
};
std::span<const DeviceMetric> DeviceMetrics();
inline constexpr std::string_view kDiskGroup = "disk";

/// Of each interface of a pod.
struct InterfaceMetric {
  MetricInfo metric;
  uint64_t InterfaceCounts::*count;
};
std::span<const InterfaceMetric> InterfaceMetrics();
inline constexpr std::string_view kNetworkGroup = "network";

}  // namespace hinomi
