#include "collector/endpoints.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "collector/container/connections.h"
#include "collector/container/containers.h"
#include "collector/container/descriptors.h"
#include "collector/container/resource.h"
#include "collector/container/volumes.h"
#include "collector/container/workloads.h"

namespace hinomi {
namespace {

// The loader has checked the expressions.
MetricFilter FilterOf(const MetricsConfig& config) {
  return std::move(*MetricFilter::Make(config.include, config.exclude));
}

}  // namespace

MetricEndpoints::MetricEndpoints(const Config& config, Parts parts)
    : host_(config.host_root),
      filter_(FilterOf(config.metrics)),
      oom_kills_(config.state_dir + "/oom_kills", parts.files, parts.clock, parts.metrics) {
  const CollectorParts made_of = {host_, config.metrics, parts.metrics, parts.clock, parts.version};
  const auto serves = [&](std::string_view group, std::span<const MetricInfo> metrics) {
    return std::any_of(metrics.begin(), metrics.end(),
                       [&](const MetricInfo& metric) { return filter_.MayServe(group, metric); });
  };
  const auto add = [&](const std::string& path, std::vector<Scraper::Member> members, bool tell) {
    scrapers_[path] =
        std::make_unique<Scraper>(Scraper::Options{path, config.metrics.series_max, filter_, tell},
                                  std::move(members), parts.clock, parts.metrics);
  };
  if (config.metrics.containers) {
    ContainerRows::Wanted wanted = Containers::Wanted(filter_);
    Resource::AddWanted(&wanted);
    const bool connections = filter_.MayServe(kTcpGroup, Connections::Info());
    wanted.network = wanted.network || connections;
    rows_ = std::make_unique<ContainerRows>(
        ContainerRows::Parts{host_, config, parts.metadata, oom_kills_, parts.clock, parts.metrics},
        wanted);
    if (wanted.cgroups[Field::kOomKills]) {
      oom_watch_ = std::make_unique<OomWatch>(
          OomWatch::Parts{host_, config, parts.metadata, oom_kills_, parts.clock, parts.metrics});
    }
    std::vector<Scraper::Member> containers;
    if (serves(kDiskUseGroup, DiskUseMetrics())) {
      disk_use_ = std::make_unique<DiskUse>(host_, config.kubernetes.pods_dir,
                                            std::move(parts.layers), parts.metrics);
    }
    containers.push_back(
        {"containers", std::make_unique<Containers>(host_, *rows_, disk_use_.get())});
    if (connections) {
      containers.push_back({kTcpGroup, std::make_unique<Connections>(Connections::Parts{
                                           host_, config, parts.metadata, *rows_, parts.metrics})});
    }
    if (serves(kDescriptorGroup, DescriptorMetrics())) {
      containers.push_back({kDescriptorGroup, std::make_unique<Descriptors>(host_, *rows_)});
    }
    if (serves(kWorkloadGroup, WorkloadMetrics())) {
      containers.push_back({kWorkloadGroup, std::make_unique<Workloads>(Workloads::Parts{
                                                host_, config, parts.metadata, parts.clock})});
    }
    add("/metrics/cadvisor", std::move(containers), /*tell=*/false);
    std::vector<Scraper::Member> resource;
    resource.push_back({"resource", std::make_unique<Resource>(*rows_)});
    add("/metrics/resource", std::move(resource), /*tell=*/false);
  }
  if (config.metrics.volumes) {
    std::vector<Scraper::Member> volumes;
    volumes.push_back({"volumes", std::make_unique<Volumes>(config.metadata.kubelet, parts.files)});
    add("/metrics/volumes", std::move(volumes), /*tell=*/false);
  }
  if (config.metrics.node) {
    std::vector<Scraper::Member> members;
    for (const CollectorKind& kind : NodeCollectors()) {
      if (serves(kind.name, kind.metrics)) members.push_back({kind.name, kind.make(made_of)});
    }
    add("/metrics/node", std::move(members), /*tell=*/true);
  }
}

void MetricEndpoints::Run(const std::stop_token& stop) {
  const std::jthread disks([this](const std::stop_token& ending) {
    if (disk_use_ == nullptr) return;
    pthread_setname_np(pthread_self(), "hinomi-disks");
    disk_use_->Run(ending);
  });
  if (oom_watch_ != nullptr) oom_watch_->Run(stop);
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any().wait(lock, stop, [] { return false; });
}

}  // namespace hinomi
