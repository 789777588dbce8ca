// The endpoints that stand in for other exporters, and who answers on each.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "collector/container/container_rows.h"
#include "collector/container/disk_use.h"
#include "collector/container/oom_watch.h"
#include "collector/scraper.h"

namespace hinomi {

class MetricEndpoints {
 public:
  struct Parts {
    const MetadataStore* metadata;        // null: nobody is asked who is behind a cgroup
    std::unique_ptr<LayerSource> layers;  // null: nobody is asked for what containers have written
    FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
    std::string_view version;  // the agent's; outlives it
  };

  /// `config` outlives it.
  MetricEndpoints(const Config& config, Parts parts);

  /// A container has ended, as the metadata tells.
  void ContainerExited(const PodMetadata& pod, const ContainerMetadata& container) {
    oom_kills_.Exited({pod.namespace_name, pod.name, container.name}, container.id,
                      container.reason);
  }

  /// What goes on between scrapes, until stopped: hearing of OOM kills, and looking at disks. A
  /// thread's own.
  void Run(const std::stop_token& stop);

  /// By path: /metrics/node, and so on; those that are switched off are missing.
  const std::map<std::string, std::unique_ptr<Scraper>>& scrapers() const { return scrapers_; }

 private:
  const Host host_;
  const MetricFilter filter_;
  OomKills oom_kills_;
  std::unique_ptr<OomWatch> oom_watch_;
  std::unique_ptr<DiskUse> disk_use_;
  std::unique_ptr<ContainerRows> rows_;
  std::map<std::string, std::unique_ptr<Scraper>> scrapers_;
};

}  // namespace hinomi
