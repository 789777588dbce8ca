#include "collector/container/workloads.h"

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace hinomi {
namespace {

constexpr MetricInfo kMetrics[] = {
    {"hinomi_release_info", MetricType::kGauge, "",
     "namespace, workload, branch, commit, image_digest",
     "the image's tag and its label org.opencontainers.image.revision",
     "1 for each release that containers of the workload run here; `unknown` where it is not told. "
     "Only where metadata.release_pattern or the label is there."},
    {"hinomi_pod_ready", MetricType::kGauge, "", "namespace, workload", "the kubelet's /pods",
     "Pods of the workload on this node that are ready, 0 while there are some but none is; those "
     "that have ended do not count. Needs metadata.kubelet.url."},
    {"hinomi_node_pod_capacity", MetricType::kGauge, "", "", "the kubelet's command line and files",
     "Pods that the node may have; by metrics.pod_capacity where that is set."},
};

}  // namespace

std::span<const MetricInfo> WorkloadMetrics() { return kMetrics; }

Result<void> Workloads::Collect(Exposition& out) {
  using Workload = std::pair<std::string, std::string>;
  std::set<std::tuple<Workload, std::string, std::string, std::string>> releases;
  std::map<Workload, uint64_t> ready;
  for (const MetadataStore::Listed& listed :
       metadata_ == nullptr ? std::vector<MetadataStore::Listed>() : metadata_->Pods()) {
    const PodMetadata& pod = *listed.pod;
    const Workload workload = {pod.namespace_name, WorkloadNameOf(pod, node_)};
    if (listed.ready) ready[workload] += *listed.ready ? 1 : 0;
    for (const ContainerMetadata& container : pod.containers) {
      if (container.state != ContainerState::kRunning) continue;
      const std::optional<Release> release = releases_.Of(container.image, container.revision);
      if (!release) continue;
      releases.emplace(workload, release->branch, release->commit, container.image_digest);
    }
  }
  if (out.Begin(kMetrics[0])) {
    for (const auto& [workload, branch, commit, digest] : releases) {
      out.Row({{"namespace", workload.first},
               {"workload", workload.second},
               {"branch", branch},
               {"commit", commit},
               {"image_digest", digest}},
              1);
    }
  }
  if (out.Begin(kMetrics[1])) {
    for (const auto& [workload, pods] : ready) {
      out.Row({{"namespace", workload.first}, {"workload", workload.second}},
              static_cast<double>(pods));
    }
  }
  const std::optional<uint64_t> capacity = capacity_.Read();
  if (capacity) out.Single(kMetrics[2], static_cast<double>(*capacity));
  return {};
}

}  // namespace hinomi
