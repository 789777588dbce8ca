#include "collector/container/descriptors.h"

#include <string>
#include <utility>
#include <vector>

namespace hinomi {
namespace {

constexpr MetricInfo kMetrics[] = {
    {"container_file_descriptors", MetricType::kGauge, "", "", "/proc/PID/fd",
     "Open descriptors of its processes, of 500 at most.", false},
    {"container_sockets", MetricType::kGauge, "", "", "/proc/PID/fd", "Those that are sockets.",
     false},
};

}  // namespace

std::span<const MetricInfo> DescriptorMetrics() { return kMetrics; }

std::optional<DescriptorCounts> CountDescriptors(const Host& host,
                                                 std::span<const uint32_t> processes) {
  std::optional<DescriptorCounts> counts;
  for (const uint32_t process : processes) {
    const std::string directory = "/proc/" + std::to_string(process) + "/fd";
    const Result<std::vector<std::string>> names = host.List(directory);
    if (!names) continue;  // it has ended
    if (!counts) counts.emplace();
    counts->descriptors += names->size();
    for (const std::string& name : *names) {
      counts->sockets += host.ReadLink(directory + "/" + name).starts_with("socket:") ? 1 : 0;
    }
  }
  return counts;
}

// Without the lock of the rows, as with connections: the other endpoint need not wait for this.
Result<void> Descriptors::Collect(Exposition& out) {
  std::vector<std::pair<std::string, std::vector<uint32_t>>> containers;
  {
    const std::unique_lock lock = rows_.Lock();
    for (const ContainerRow* row : rows_.rows()) {
      if (row->cgroup->kind != CgroupKind::kContainer) continue;
      containers.emplace_back(row->labels, rows_.Processes(*row, kProcessesMax));
    }
  }
  std::vector<std::pair<std::string_view, DescriptorCounts>> counted;
  for (const auto& [labels, processes] : containers) {
    const std::optional<DescriptorCounts> counts = CountDescriptors(host_, processes);
    if (counts) counted.emplace_back(labels, *counts);
  }
  constexpr uint64_t DescriptorCounts::*kNumbers[] = {&DescriptorCounts::descriptors,
                                                      &DescriptorCounts::sockets};
  for (size_t i = 0; i < std::size(kNumbers); ++i) {
    if (!out.Begin(kMetrics[i])) continue;
    for (const auto& [labels, counts] : counted) {
      out.Row(labels, static_cast<double>(counts.*kNumbers[i]));
    }
  }
  return {};
}

}  // namespace hinomi
