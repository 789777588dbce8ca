#include "collector/container/resource.h"

namespace hinomi {
namespace {

constexpr MetricInfo kMetrics[] = {
    {"container_cpu_usage_seconds_total", MetricType::kCounter, "seconds",
     "container, namespace, pod", "cpu.stat usage_usec; cpuacct.usage", "CPU time used."},
    {"container_memory_working_set_bytes", MetricType::kGauge, "bytes", "container, namespace, pod",
     "as on /metrics/cadvisor", "Memory without the page cache that was not used lately."},
    {"container_start_time_seconds", MetricType::kGauge, "seconds", "container, namespace, pod",
     "as on /metrics/cadvisor", "When it was started, as Unix time."},
    {"pod_cpu_usage_seconds_total", MetricType::kCounter, "seconds", "namespace, pod",
     "cpu.stat usage_usec; cpuacct.usage", "CPU time used by all of the pod."},
    {"pod_memory_working_set_bytes", MetricType::kGauge, "bytes", "namespace, pod",
     "as on /metrics/cadvisor", "Working set of all of the pod."},
    {"node_cpu_usage_seconds_total", MetricType::kCounter, "seconds", "",
     "cpu.stat usage_usec; cpuacct.usage", "CPU time used by all of the node."},
    {"node_memory_working_set_bytes", MetricType::kGauge, "bytes", "", "as on /metrics/cadvisor",
     "Working set of all of the node."},
    {"resource_scrape_error", MetricType::kGauge, "", "", "",
     "1 when the metrics of containers could not be read."},
};

struct Served {
  const MetricInfo& metric;
  CgroupKind kind;
  Field field;
};
constexpr Served kServed[] = {
    {kMetrics[0], CgroupKind::kContainer, Field::kCpuUsage},
    {kMetrics[1], CgroupKind::kContainer, Field::kWorkingSet},
    {kMetrics[2], CgroupKind::kContainer, Field::kStartTime},
    {kMetrics[3], CgroupKind::kPod, Field::kCpuUsage},
    {kMetrics[4], CgroupKind::kPod, Field::kWorkingSet},
    {kMetrics[5], CgroupKind::kRoot, Field::kCpuUsage},
    {kMetrics[6], CgroupKind::kRoot, Field::kWorkingSet},
};

// metrics-server takes a row without a name for a container's that it has to know.
bool HasRow(const ContainerRow& row, CgroupKind kind) {
  if (row.cgroup->kind != kind) return false;
  if (kind == CgroupKind::kContainer) return !row.container.empty();
  return kind == CgroupKind::kRoot || !row.pod.empty();
}

}  // namespace

std::span<const MetricInfo> ResourceMetrics() { return kMetrics; }

void Resource::AddWanted(ContainerRows::Wanted* wanted) {
  for (const Served& served : kServed) wanted->cgroups.Add(served.field);
}

Result<void> Resource::Collect(Exposition& out) {
  const std::unique_lock lock = rows_.Lock();
  const std::span<ContainerRow* const> rows = rows_.Read();
  std::string labels;
  for (const Served& served : kServed) {
    if (!out.Begin(served.metric)) continue;
    for (const ContainerRow* row : rows) {
      const double value = row->cgroup->stats[served.field];
      if (!HasRow(*row, served.kind) || std::isnan(value)) continue;
      labels.clear();
      if (served.kind == CgroupKind::kContainer) {
        AppendLabel(&labels, "container", row->container);
      }
      if (served.kind != CgroupKind::kRoot) {
        AppendLabel(&labels, "namespace", row->namespace_name);
        AppendLabel(&labels, "pod", row->pod);
      }
      out.Row(labels, value);
    }
  }
  out.Single(kMetrics[std::size(kMetrics) - 1], rows.empty() ? 1 : 0);
  return {};
}

}  // namespace hinomi
