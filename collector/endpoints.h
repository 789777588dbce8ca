// The endpoints that stand in for other exporters, and who answers on each.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "collector/container/container_rows.h"
#include "collector/scraper.h"

namespace hinomi {

class Endpoints {
 public:
  struct Parts {
    const MetadataStore* metadata;  // null: nobody is asked who is behind a cgroup
    FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
    std::string_view version;  // the agent's; outlives it
  };

  /// `config` outlives it.
  Endpoints(const Config& config, Parts parts);

  /// A container has ended, as the metadata tells.
  void ContainerExited(const PodMetadata& pod, const ContainerMetadata& container) {
    oom_kills_.Exited({pod.namespace_name, pod.name, container.name}, container.id,
                      container.reason);
  }

  /// By path: /metrics/node, and so on; those that are switched off are missing.
  const std::map<std::string, std::unique_ptr<Scraper>>& scrapers() const { return scrapers_; }

 private:
  const Host host_;
  const MetricFilter filter_;
  OomKills oom_kills_;
  std::unique_ptr<ContainerRows> rows_;
  std::map<std::string, std::unique_ptr<Scraper>> scrapers_;
};

}  // namespace hinomi
