#include "collector/endpoints.h"

#include <algorithm>

#include "collector/container/connections.h"
#include "collector/container/containers.h"
#include "collector/container/resource.h"

namespace hinomi {
namespace {

// The loader has checked the expressions.
MetricFilter FilterOf(const MetricsConfig& config) {
  return std::move(*MetricFilter::Make(config.include, config.exclude));
}

}  // namespace

Endpoints::Endpoints(const Config& config, Parts parts)
    : host_(config.host_root),
      filter_(FilterOf(config.metrics)),
      oom_kills_(config.state_dir + "/oom_kills", parts.files, parts.clock, parts.metrics) {
  const CollectorParts made_of = {host_, config.metrics, parts.metrics, parts.clock, parts.version};
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
    std::vector<Scraper::Member> containers;
    containers.push_back({"containers", std::make_unique<Containers>(host_, *rows_)});
    if (connections) {
      containers.push_back({kTcpGroup, std::make_unique<Connections>(Connections::Parts{
                                           host_, config, parts.metadata, *rows_, parts.metrics})});
    }
    add("/metrics/cadvisor", std::move(containers), /*tell=*/false);
    std::vector<Scraper::Member> resource;
    resource.push_back({"resource", std::make_unique<Resource>(*rows_)});
    add("/metrics/resource", std::move(resource), /*tell=*/false);
  }
  if (config.metrics.node) {
    std::vector<Scraper::Member> members;
    for (const CollectorKind& kind : NodeCollectors()) {
      const bool wanted = std::any_of(
          kind.metrics.begin(), kind.metrics.end(),
          [&](const MetricInfo& metric) { return filter_.MayServe(kind.name, metric); });
      if (wanted) members.push_back({kind.name, kind.make(made_of)});
    }
    add("/metrics/node", std::move(members), /*tell=*/true);
  }
}

}  // namespace hinomi
