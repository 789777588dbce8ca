#include "collector/container/containers.h"

#include <unistd.h>

#include "collector/container/container_metrics.h"
#include "collector/words.h"

namespace hinomi {
namespace {

constexpr MetricInfo kMachine[] = {
    {"machine_cpu_cores", MetricType::kGauge, "", "boot_id, machine_id, system_uuid",
     "/sys/devices/system/cpu/online", "CPUs of the node."},
    {"machine_memory_bytes", MetricType::kGauge, "bytes", "boot_id, machine_id, system_uuid",
     "/proc/meminfo", "Memory of the node."},
    {"machine_swap_bytes", MetricType::kGauge, "bytes", "boot_id, machine_id, system_uuid",
     "/proc/meminfo", "Swap of the node."},
    {"cadvisor_version_info", MetricType::kGauge, "",
     "cadvisorRevision, cadvisorVersion, dockerVersion, kernelVersion, osVersion", "uname(2)",
     "1, with the version of the node's kernel.", false},
    {"container_scrape_error", MetricType::kGauge, "", "", "",
     "1 when the metrics of containers could not be read."},
};

// "0-3,8"; zero if it is not such a list.
uint64_t CountOnline(std::string_view list) {
  uint64_t count = 0;
  while (!list.empty()) {
    const std::string_view range = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), range.size() + 1));
    const size_t dash = range.find('-');
    const std::optional<uint64_t> first = ParseCount(range.substr(0, dash));
    const std::optional<uint64_t> last =
        dash == std::string_view::npos ? first : ParseCount(range.substr(dash + 1));
    if (!first || !last || *last < *first || *last > 1 << 20) return 0;
    count += *last - *first + 1;
  }
  return count;
}

double MeminfoBytes(std::string_view text, std::string_view key) {
  while (std::optional<std::string_view> line = TakeLine(&text)) {
    if (TakeWord(&*line) == key) {
      return static_cast<double>(ParseCount(TakeWord(&*line)).value_or(0)) * 1024;
    }
  }
  return 0;
}

std::string OsNameOf(const Host& host) {
  const Result<std::string> text = host.Read("/etc/os-release");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  constexpr std::string_view kKey = "PRETTY_NAME=";
  while (const std::optional<std::string_view> line = TakeLine(&rest)) {
    if (!line->starts_with(kKey)) continue;
    std::string_view name = line->substr(kKey.size());
    if (name.size() >= 2 && name.front() == '"') name = name.substr(1, name.size() - 2);
    return std::string(name);
  }
  return "";
}

}  // namespace

std::span<const MetricInfo> MachineMetrics() { return kMachine; }

ContainerRows::Wanted Containers::Wanted(const MetricFilter& filter) {
  ContainerRows::Wanted wanted;
  for (const ContainerMetric& metric : ContainerMetrics()) {
    if (filter.MayServe(metric.group, metric.metric)) {
      wanted.cgroups.Add(metric.field);
    }
  }
  for (const DeviceMetric& metric : DeviceMetrics()) {
    wanted.cgroups.io = wanted.cgroups.io || filter.MayServe(kDiskGroup, metric.metric);
  }
  for (const InterfaceMetric& metric : InterfaceMetrics()) {
    wanted.network = wanted.network || filter.MayServe(kNetworkGroup, metric.metric);
  }
  return wanted;
}

Result<void> Containers::Collect(Exposition& out) {
  const std::unique_lock lock = rows_.Lock();
  const std::span<ContainerRow* const> rows = rows_.Read();
  WriteFields(rows, out);
  WriteDevices(rows, out);
  WriteInterfaces(rows, out);
  if (disk_use_ != nullptr) WriteDiskUse(rows, out);
  WriteMachine(rows.empty(), out);
  return {};
}

void Containers::WriteFields(std::span<ContainerRow* const> rows, Exposition& out) {
  std::string_view family;
  bool served = false;
  for (const ContainerMetric& metric : ContainerMetrics()) {
    // Several numbers may be of one family.
    if (metric.metric.name != family) {
      family = metric.metric.name;
      out.SetGroup(metric.group);
      served = out.Begin(metric.metric);
    }
    if (!served) continue;
    for (const ContainerRow* row : rows) {
      const double value = row->cgroup->stats[metric.field];
      if (std::isnan(value)) continue;
      out.Row(row->labels, metric.labels, value);
      out.Release();
    }
  }
}

// "/dev/sda" by the number of the device; the number itself where the kernel does not tell.
const std::string& Containers::DeviceLabel(uint32_t major, uint32_t minor) {
  std::string& label = devices_[{major, minor}];
  if (!label.empty()) return label;
  const std::string number = std::to_string(major) + ":" + std::to_string(minor);
  const Result<std::string> text = host_.Read("/sys/dev/block/" + number + "/uevent");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  std::string name = number;
  constexpr std::string_view kKey = "DEVNAME=";
  while (const std::optional<std::string_view> line = TakeLine(&rest)) {
    if (line->starts_with(kKey)) name = "/dev/" + std::string(line->substr(kKey.size()));
  }
  AppendLabel(&label, "device", name);
  return label;
}

void Containers::WriteDevices(std::span<ContainerRow* const> rows, Exposition& out) {
  out.SetGroup(kDiskGroup);
  for (const DeviceMetric& metric : DeviceMetrics()) {
    if (!out.Begin(metric.metric)) continue;
    for (const ContainerRow* row : rows) {
      for (const DeviceIo& device : row->cgroup->stats.io) {
        out.Row(row->labels, DeviceLabel(device.major, device.minor),
                static_cast<double>(device.*metric.count));
        out.Release();
      }
    }
  }
}

void Containers::WriteInterfaces(std::span<ContainerRow* const> rows, Exposition& out) {
  out.SetGroup(kNetworkGroup);
  for (const InterfaceMetric& metric : InterfaceMetrics()) {
    if (!out.Begin(metric.metric)) continue;
    for (const ContainerRow* row : rows) {
      for (const InterfaceCounts& interface : row->interfaces) {
        interface_label_.clear();
        AppendLabel(&interface_label_, "interface", interface.name);
        out.Row(row->labels, interface_label_, static_cast<double>(interface.*metric.count));
        out.Release();
      }
    }
  }
}

void Containers::WriteDiskUse(std::span<ContainerRow* const> rows, Exposition& out) {
  out.SetGroup(kDiskUseGroup);
  const std::shared_ptr<const DiskUse::Found> found = disk_use_->Last();
  const std::span<const MetricInfo> metrics = DiskUseMetrics();
  for (const bool limit : {false, true}) {
    if (!out.Begin(metrics[limit ? 1 : 0])) continue;
    for (const ContainerRow* row : rows) {
      if (row->container.empty() || found->layers.empty()) continue;
      const auto layer = found->layers.find(row->cgroup->id());
      if (layer == found->layers.end()) continue;
      const DiskUse::Layer& used = layer->second;
      if (limit && used.capacity == 0) continue;  // its file system does not tell
      out.Row(row->labels, DeviceLabel(used.major, used.minor),
              static_cast<double>(limit ? used.capacity : used.bytes));
    }
  }
  if (!out.Begin(metrics[2])) return;
  for (const DiskUse::Log& log : found->logs) {
    out.Row({{"uid", log.uid},
             {"namespace", log.namespace_name},
             {"pod", log.pod},
             {"container", log.container}},
            static_cast<double>(log.bytes));
  }
}

void Containers::WriteMachine(bool failed, Exposition& out) {
  out.SetGroup(kMachineGroup);
  const Result<std::string> meminfo = host_.Read("/proc/meminfo");
  const std::string_view memory = meminfo ? std::string_view(*meminfo) : std::string_view();
  std::string labels;
  AppendLabel(&labels, "boot_id", host_.ReadWord("/proc/sys/kernel/random/boot_id"));
  AppendLabel(&labels, "machine_id", host_.ReadWord("/etc/machine-id"));
  AppendLabel(&labels, "system_uuid", host_.ReadWord("/sys/class/dmi/id/product_uuid"));
  const double values[] = {
      static_cast<double>(CountOnline(host_.ReadWord("/sys/devices/system/cpu/online"))),
      MeminfoBytes(memory, "MemTotal:"), MeminfoBytes(memory, "SwapTotal:")};
  for (size_t i = 0; i < std::size(values); ++i) {
    if (out.Begin(kMachine[i])) out.Row(labels, values[i]);
  }
  if (out.Begin(kMachine[3])) {
    const std::string kernel = host_.ReadWord("/proc/sys/kernel/osrelease");
    out.Row({{"cadvisorRevision", ""},
             {"cadvisorVersion", ""},
             {"dockerVersion", ""},
             {"kernelVersion", kernel},
             {"osVersion", OsNameOf(host_)}},
            1);
  }
  out.Single(kMachine[4], failed ? 1 : 0);
}

}  // namespace hinomi
