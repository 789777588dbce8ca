// /metrics/cadvisor: what the kubelet's cAdvisor endpoint serves, under its names.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "collector/collector.h"
#include "collector/container/container_rows.h"
#include "collector/container/disk_use.h"

namespace hinomi {

class Containers final : public Collector {
 public:
  /// What the collectors below need to be read, as far as the filter serves it.
  static ContainerRows::Wanted Wanted(const MetricFilter& filter);

  /// `disk_use` may be null; what is given outlives it.
  Containers(const Host& host, ContainerRows& rows, const DiskUse* disk_use)
      : host_(host), rows_(rows), disk_use_(disk_use) {}

  Result<void> Collect(Exposition& out) override;

 private:
  void WriteFields(std::span<ContainerRow* const> rows, Exposition& out);
  void WriteDevices(std::span<ContainerRow* const> rows, Exposition& out);
  void WriteInterfaces(std::span<ContainerRow* const> rows, Exposition& out);
  void WriteDiskUse(std::span<ContainerRow* const> rows, Exposition& out);
  void WriteMachine(bool failed, Exposition& out);
  const std::string& DeviceLabel(uint32_t major, uint32_t minor);

  const Host& host_;
  ContainerRows& rows_;
  const DiskUse* const disk_use_;
  std::map<std::pair<uint32_t, uint32_t>, std::string> devices_;  // labels, by number
  std::string interface_label_;
};

inline constexpr std::string_view kMachineGroup = "machine";
/// Names that are the same whatever containers there are.
std::span<const MetricInfo> MachineMetrics();

}  // namespace hinomi
