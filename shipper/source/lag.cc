#include "shipper/source/lag.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace hinomi {
namespace {

// A batch on its way and a record whose end is not there yet take less.
constexpr Duration kOldestMin = std::chrono::seconds(10);
constexpr char kOverflow[] = "_overflow";

}  // namespace

LagRows::LagRows(Metrics& metrics, size_t containers_max)
    : metrics_(metrics),
      containers_max_(containers_max),
      lagging_(metrics.GaugeOf("hinomi_containers_lagging",
                               "Containers with lines that have waited for ten seconds.")) {}

void LagRows::Add(const PodInfo& pod, uint64_t bytes, Duration oldest) {
  Lag& lag = lags_[{pod.namespace_name, pod.pod_name, pod.container_name}];
  lag.bytes += bytes;
  lag.oldest = std::max(lag.oldest, oldest);
}

void LagRows::Show() {
  std::erase_if(lags_, [](const auto& entry) { return entry.second.oldest < kOldestMin; });
  lagging_.Set(static_cast<double>(lags_.size()));
  std::vector<std::pair<Container, Lag>> rows(lags_.begin(), lags_.end());
  lags_.clear();
  // All get older alike, so that the same ones have a row at the next scrape.
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second.oldest > b.second.oldest; });
  if (rows.size() > containers_max_) {
    Lag others{0, rows[containers_max_].second.oldest};
    for (size_t i = containers_max_; i < rows.size(); ++i) others.bytes += rows[i].second.bytes;
    rows.resize(containers_max_);
    rows.emplace_back(Container{kOverflow, kOverflow, kOverflow}, others);
  }
  MetricRows bytes{"hinomi_log_lag_bytes",
                   "Bytes of a container's log files that are seen but not settled, by the route "
                   "that is furthest behind.",
                   false,
                   {}};
  MetricRows seconds{"hinomi_log_lag_seconds",
                     "Age of the oldest bytes of a container that are not settled by all routes.",
                     false,
                     {}};
  for (const auto& [container, lag] : rows) {
    const auto& [namespace_name, pod, name] = container;
    Labels labels = {{"namespace", std::string(namespace_name)},
                     {"pod", std::string(pod)},
                     {"container", std::string(name)}};
    bytes.rows.emplace_back(labels, static_cast<double>(lag.bytes));
    seconds.rows.emplace_back(std::move(labels), std::chrono::duration<double>(lag.oldest).count());
  }
  metrics_.ShowRows(std::move(bytes));
  metrics_.ShowRows(std::move(seconds));
}

}  // namespace hinomi
