#include "collector/reference.h"

#include "collector/collector.h"
#include "collector/container/connections.h"
#include "collector/container/container_metrics.h"
#include "collector/container/containers.h"
#include "collector/container/descriptors.h"
#include "collector/container/resource.h"
#include "collector/container/volumes.h"
#include "collector/container/workloads.h"
#include "collector/scraper.h"

namespace hinomi {
namespace {

class Writer {
 public:
  void Head(std::string_view endpoint, std::string_view about) {
    text_.append("### ").append(endpoint).append("\n\n").append(about).append(
        "\n\n| name | type, unit | further labels | group | default | from | meaning |\n"
        "|---|---|---|---|---|---|---|\n");
  }
  void Row(std::string_view group, const MetricInfo& metric) {
    if (metric.help.empty()) return;  // a further number of the family above
    text_.append("| `").append(metric.name).append("` | ").append(ToString(metric.type));
    if (!metric.unit.empty()) text_.append(", ").append(metric.unit);
    text_.append(" | ").append(metric.labels).append(" | ").append(group).append(" | ");
    text_.append(metric.by_default ? "yes" : "no").append(" | ").append(metric.source);
    text_.append(" | ").append(metric.help).append(" |\n");
  }
  void End() { text_ += '\n'; }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string MetricsReference() {
  Writer writer;
  writer.Head(
      "/metrics/cadvisor",
      "Each row has the labels `id`, `name`, `image`, `pod`, `namespace` and `container`; what "
      "is absent is empty. Rows of `machine`, `tcp` and `workloads` have their own alone.");
  for (const ContainerMetric& metric : ContainerMetrics()) writer.Row(metric.group, metric.metric);
  for (const DeviceMetric& metric : DeviceMetrics()) writer.Row(kDiskGroup, metric.metric);
  for (const InterfaceMetric& metric : InterfaceMetrics()) {
    writer.Row(kNetworkGroup, metric.metric);
  }
  for (const MetricInfo& metric : DiskUseMetrics()) writer.Row(kDiskUseGroup, metric);
  for (const MetricInfo& metric : MachineMetrics()) writer.Row(kMachineGroup, metric);
  for (const MetricInfo& metric : DescriptorMetrics()) writer.Row(kDescriptorGroup, metric);
  writer.Row(kTcpGroup, Connections::Info());
  for (const MetricInfo& metric : WorkloadMetrics()) writer.Row(kWorkloadGroup, metric);
  writer.End();
  writer.Head("/metrics/resource", "What metrics-server asks a kubelet for.");
  for (const MetricInfo& metric : ResourceMetrics()) writer.Row("resource", metric);
  writer.End();
  writer.Head("/metrics/volumes",
              "As the kubelet serves them on its `/metrics`; read from its `/stats/summary`.");
  for (const MetricInfo& metric : VolumeMetrics()) writer.Row("volumes", metric);
  writer.End();
  writer.Head("/metrics/node",
              "As node_exporter serves them; a group is a collector of that name.");
  for (const CollectorKind& kind : NodeCollectors()) {
    for (const MetricInfo& metric : kind.metrics) writer.Row(kind.name, metric);
  }
  for (const MetricInfo& metric : ScraperMetrics()) writer.Row("scrape", metric);
  return writer.Take();
}

}  // namespace hinomi
