#include "base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <utility>

namespace hinomi {

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
  std::map<std::string, prometheus::MetricFamily> shown;
  std::vector<std::function<void()>> refreshers;
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

void Metrics::ShowRows(const std::string& name, const std::string& help,
                       const std::vector<GaugeRow>& rows) {
  prometheus::MetricFamily family{name, help, prometheus::MetricType::Gauge, {}};
  for (const GaugeRow& row : rows) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    for (const auto& [label, value] : row.labels) metric.label.push_back({label, value});
    metric.gauge.value = row.value;
  }
  const std::lock_guard lock(impl_->mutex);
  impl_->shown[name] = std::move(family);
}

void Metrics::OnScrape(std::function<void()> refresh) {
  const std::lock_guard lock(impl_->mutex);
  impl_->refreshers.push_back(std::move(refresh));
}

std::string Metrics::Expose() {
  std::vector<std::function<void()>> refreshers;
  {
    const std::lock_guard lock(impl_->mutex);
    refreshers = impl_->refreshers;
  }
  for (const auto& refresh : refreshers) refresh();
  std::vector<prometheus::MetricFamily> families = impl_->registry.Collect();
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [name, family] : impl_->shown) families.push_back(family);
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace hinomi
