#include "base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>
#include <set>
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

bool HasAll(const Labels& labels, const Labels& wanted) {
  return std::includes(labels.begin(), labels.end(), wanted.begin(), wanted.end());
}

void LeaveOut(const std::set<Labels>& hidden, std::vector<prometheus::MetricFamily>* families) {
  if (hidden.empty()) return;
  for (prometheus::MetricFamily& family : *families) {
    std::erase_if(family.metric, [&](const prometheus::ClientMetric& metric) {
      Labels labels;
      for (const auto& label : metric.label) labels[label.name] = label.value;
      return std::any_of(hidden.begin(), hidden.end(),
                         [&](const Labels& wanted) { return HasAll(labels, wanted); });
    });
  }
  std::erase_if(*families, [](const auto& family) { return family.metric.empty(); });
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
  void Show(const Labels& labels) {
    std::erase_if(hidden, [&](const Labels& wanted) { return HasAll(labels, wanted); });
  }

  // Merge: several components may ask for one family.
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
  std::mutex mutex;
  std::map<std::string, MetricRows> shown;
  std::set<Labels> hidden;
  uint64_t hooks = 0;
  std::map<uint64_t, std::function<void()>> refreshers;
  std::map<uint64_t, std::function<std::vector<MetricRows>()>> givers;
  std::mutex exposing;  // held by an exposition, before the other
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter Metrics::CounterOf(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  impl_->Show(labels);
  return Counter(
      &prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry).Add(labels));
}

Gauge Metrics::GaugeOf(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  impl_->Show(labels);
  return Gauge(
      &prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry).Add(labels));
}

void Metrics::ShowRows(MetricRows rows) {
  const std::lock_guard lock(impl_->mutex);
  MetricRows& shown = impl_->shown[rows.name];
  shown = std::move(rows);
}

Metrics::Hook Metrics::OnScrape(std::function<void()> refresh) {
  const std::lock_guard lock(impl_->mutex);
  impl_->refreshers[++impl_->hooks] = std::move(refresh);
  return {this, impl_->hooks};
}

Metrics::Hook Metrics::OnExpose(std::function<std::vector<MetricRows>()> give) {
  const std::lock_guard lock(impl_->mutex);
  impl_->givers[++impl_->hooks] = std::move(give);
  return {this, impl_->hooks};
}

Metrics::Hook::Hook(Hook&& other) noexcept
    : metrics_(std::exchange(other.metrics_, nullptr)), id_(other.id_) {}

Metrics::Hook& Metrics::Hook::operator=(Hook&& other) noexcept {
  std::swap(metrics_, other.metrics_);
  std::swap(id_, other.id_);
  return *this;
}

Metrics::Hook::~Hook() {
  if (metrics_ == nullptr) return;
  const std::lock_guard exposing(metrics_->impl_->exposing);
  const std::lock_guard lock(metrics_->impl_->mutex);
  metrics_->impl_->refreshers.erase(id_);
  metrics_->impl_->givers.erase(id_);
}

void Metrics::Hide(const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  impl_->hidden.insert(labels);
}

std::string Metrics::Expose() {
  const std::lock_guard exposing(impl_->exposing);
  const auto hooks_of = [this](const auto& hooks) {
    const std::lock_guard lock(impl_->mutex);
    return hooks;
  };
  for (const auto& [id, refresh] : hooks_of(impl_->refreshers)) refresh();
  std::vector<prometheus::MetricFamily> families = impl_->registry.Collect();
  {
    const std::lock_guard lock(impl_->mutex);
    LeaveOut(impl_->hidden, &families);
    for (const auto& [name, shown] : impl_->shown) Append(shown, &families);
  }
  for (const auto& [id, give] : hooks_of(impl_->givers)) {
    for (const MetricRows& given : give()) Append(given, &families);
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace hinomi
