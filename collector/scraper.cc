#include "collector/scraper.h"

#include "base/logging.h"

namespace hinomi {
namespace {

constexpr MetricInfo kMetrics[] = {
    {"node_scrape_collector_duration_seconds", MetricType::kGauge, "seconds", "collector", "",
     "How long a collector took."},
    {"node_scrape_collector_success", MetricType::kGauge, "", "collector", "",
     "Whether a collector succeeded."},
};

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

std::span<const MetricInfo> ScraperMetrics() { return kMetrics; }

Scraper::Scraper(Options options, std::vector<Member> members, const Clock& clock, Metrics& metrics)
    : options_(std::move(options)), clock_(clock), members_(std::move(members)) {
  const Labels labels = {{"endpoint", options_.endpoint}};
  duration_ = metrics.GaugeOf("hinomi_scrape_duration_seconds",
                              "How long the last scrape of an endpoint took.", labels);
  series_ =
      metrics.GaugeOf("hinomi_scrape_series", "Series in the last scrape of an endpoint.", labels);
  truncated_ =
      metrics.CounterOf("hinomi_scrape_series_truncated_total",
                        "Series left out because there were more than metrics.series_max.", labels);
  for (const Member& member : members_) {
    errors_.push_back(metrics.CounterOf("hinomi_collector_errors_total",
                                        "Scrapes in which a collector failed.",
                                        {{"collector", std::string(member.name)}}));
  }
  failed_.resize(members_.size());
}

Scraper::Outcome Scraper::Run(size_t index, Exposition& out) {
  Member& member = members_[index];
  const Duration begin = clock_.Monotonic();
  out.SetGroup(member.name);
  const Exposition::Mark mark = out.Here();
  const Result<void> collected = member.collector->Collect(out);
  if (!collected) {
    out.GoBack(mark);
    errors_[index].Add();
    // Once: the next scrape will mostly say the same.
    if (!failed_[index]) log::Warn("collector {}: {}", member.name, collected.error().message);
  }
  failed_[index] = !collected;
  return {member.name, clock_.Monotonic() - begin, collected.ok()};
}

void Scraper::Tell(const std::vector<Outcome>& outcomes, Exposition& out) {
  out.SetGroup("scrape");
  if (out.Begin(kMetrics[0])) {
    for (const Outcome& outcome : outcomes) {
      out.Row({{"collector", outcome.collector}}, Seconds(outcome.duration));
    }
  }
  if (out.Begin(kMetrics[1])) {
    for (const Outcome& outcome : outcomes) {
      out.Row({{"collector", outcome.collector}}, outcome.success ? 1 : 0);
    }
  }
}

std::string Scraper::Scrape(ExpositionFormat format, Exposition::Take take) {
  const std::lock_guard lock(mutex_);
  const Duration begin = clock_.Monotonic();
  Exposition out(format, options_.filter, options_.series_max, std::move(take));
  std::vector<Outcome> outcomes;
  for (size_t i = 0; i < members_.size(); ++i) {
    outcomes.push_back(Run(i, out));
    out.Release();
  }
  if (options_.tell) Tell(outcomes, out);
  duration_.Set(Seconds(clock_.Monotonic() - begin));
  series_.Set(static_cast<double>(out.series()));
  truncated_.Add(static_cast<double>(out.truncated()));
  return out.Finish();
}

}  // namespace hinomi
