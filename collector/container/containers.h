// /metrics/cadvisor: what the kubelet's cAdvisor endpoint serves, under its names.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "collector/collector.h"
#include "collector/container/container_rows.h"

namespace hinomi {

class Containers final : public Collector {
 public:
  /// What the collectors below need to be read, as far as the filter serves it.
  static ContainerRows::Wanted Wanted(const MetricFilter& filter);

  Containers(const Host& host, ContainerRows& rows) : host_(host), rows_(rows) {}

  Result<void> Collect(Exposition& out) override;

 private:
  void WriteFields(std::span<ContainerRow* const> rows, Exposition& out);
  void WriteDevices(std::span<ContainerRow* const> rows, Exposition& out);
  void WriteInterfaces(std::span<ContainerRow* const> rows, Exposition& out);
  void WriteMachine(bool failed, Exposition& out);
  const std::string& DeviceLabel(const DeviceIo& device);

  const Host& host_;
  ContainerRows& rows_;
  std::map<std::pair<uint32_t, uint32_t>, std::string> devices_;  // labels, by number
  std::string interface_label_;
};

inline constexpr std::string_view kMachineGroup = "machine";
/// Names that are the same whatever containers there are.
std::span<const MetricInfo> MachineMetrics();

}  // namespace hinomi
