// Answers one scrape of an endpoint: asks its collectors, one after another, and says of each
// whether it succeeded and how long it took. One that fails costs its own rows and no others.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "collector/collector.h"

namespace hinomi {

class Scraper {
 public:
  struct Options {
    std::string endpoint;  // "/metrics/node"
    uint64_t series_max = 0;
    const MetricFilter& filter;
    bool tell = false;  // by node_scrape_collector_*
  };
  struct Member {
    std::string_view name;
    std::unique_ptr<Collector> collector;
  };

  /// Metrics, of the agent: hinomi_scrape_duration_seconds, hinomi_scrape_series,
  /// hinomi_scrape_series_truncated_total, by endpoint; hinomi_collector_errors_total by collector.
  Scraper(Options options, std::vector<Member> members, const Clock& clock, Metrics& metrics);

  /// The text for one scrape, or the rest of it where `take` gets pieces of it before. Any thread;
  /// scrapes at the same time follow one another.
  std::string Scrape(ExpositionFormat format, Exposition::Take take = {});

 private:
  struct Outcome {
    std::string_view collector;
    Duration duration{0};
    bool success = false;
  };
  Outcome Run(size_t index, Exposition& out);
  void Tell(const std::vector<Outcome>& outcomes, Exposition& out);

  const Options options_;
  const Clock& clock_;
  std::mutex mutex_;
  std::vector<Member> members_;
  std::vector<Counter> errors_;  // as members_
  std::vector<bool> failed_;     // the last time
  Gauge duration_, series_;
  Counter truncated_;
};

/// Names that say how the collectors of an endpoint fared.
std::span<const MetricInfo> ScraperMetrics();

}  // namespace hinomi
