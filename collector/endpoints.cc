#include "collector/endpoints.h"

#include <algorithm>

namespace hinomi {
namespace {

// The loader has checked the expressions.
MetricFilter FilterOf(const MetricsConfig& config) {
  return std::move(*MetricFilter::Make(config.include, config.exclude));
}

}  // namespace

Endpoints::Endpoints(const Config& config, Parts parts)
    : host_(config.host_root), filter_(FilterOf(config.metrics)) {
  const CollectorParts made_of = {host_, config.metrics, parts.metrics, parts.clock, parts.version};
  const auto add = [&](const std::string& path, std::vector<Scraper::Member> members, bool tell) {
    scrapers_[path] =
        std::make_unique<Scraper>(Scraper::Options{path, config.metrics.series_max, filter_, tell},
                                  std::move(members), parts.clock, parts.metrics);
  };
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
