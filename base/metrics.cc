#include "base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace hinomi {
namespace {

prometheus::ClientMetric SampleOf(const Labels& labels, double value, bool is_counter) {
  prometheus::ClientMetric sample;
  for (const auto& [name, text] : labels) sample.label.push_back({name, text});
  (is_counter ? sample.counter.value : sample.gauge.value) = value;
  return sample;
}

void Append(const MetricRows& given, std::vector<prometheus::MetricFamily>* families) {
  if (given.rows.empty()) return;
  auto family = std::find_if(families->begin(), families->end(),
                             [&](const auto& known) { return known.name == given.name; });
  if (family == families->end()) {
    const auto type =
        given.is_counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    family = families->insert(family, {given.name, given.help, type, {}});
  }
  for (const auto& [labels, value] : given.rows) {
    family->metric.push_back(SampleOf(labels, value, given.is_counter));
  }
}

}  // namespace

void Counter::Add(double value) {
  if (counter_ != nullptr) counter_->Increment(value);
}
double Counter::Value() const { return counter_ == nullptr ? 0 : counter_->Value(); }

void Gauge::Set(double value) {
  if (gauge_ != nullptr) gauge_->Set(value);
}
void Gauge::Add(double value) {
  if (gauge_ != nullptr) gauge_->Increment(value);
}
double Gauge::Value() const { return gauge_ == nullptr ? 0 : gauge_->Value(); }

struct Metrics::Impl {
  // Merge: several components may ask for one family.
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
  std::mutex mutex;
  std::map<std::string, MetricRows> shown;
  std::vector<std::function<void()>> refreshers;
  std::vector<std::function<std::vector<MetricRows>()>> givers;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter Metrics::CounterOf(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  return Counter(
      &prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry).Add(labels));
}

Gauge Metrics::GaugeOf(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  return Gauge(
      &prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry).Add(labels));
}

void Metrics::ShowRows(MetricRows rows) {
  const std::lock_guard lock(impl_->mutex);
  MetricRows& shown = impl_->shown[rows.name];
  shown = std::move(rows);
}

void Metrics::OnScrape(std::function<void()> refresh) {
  const std::lock_guard lock(impl_->mutex);
  impl_->refreshers.push_back(std::move(refresh));
}

void Metrics::OnExpose(std::function<std::vector<MetricRows>()> give) {
  const std::lock_guard lock(impl_->mutex);
  impl_->givers.push_back(std::move(give));
}

std::string Metrics::Expose() {
  std::vector<std::function<void()>> refreshers;
  std::vector<std::function<std::vector<MetricRows>()>> givers;
  {
    const std::lock_guard lock(impl_->mutex);
    refreshers = impl_->refreshers;
    givers = impl_->givers;
  }
  for (const auto& refresh : refreshers) refresh();
  std::vector<prometheus::MetricFamily> families = impl_->registry.Collect();
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [name, shown] : impl_->shown) Append(shown, &families);
  }
  for (const auto& give : givers) {
    for (const MetricRows& given : give()) Append(given, &families);
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace hinomi
