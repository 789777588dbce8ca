// What the store tells Prometheus.
#include <algorithm>
#include <cstdlib>

#include "shipper/source/log_store.h"

namespace hinomi {
namespace {

constexpr char kOverflow[] = "_overflow";
// Those that a slice can have.
constexpr DropReason kRouteReasons[] = {DropReason::kRejected, DropReason::kCorrupt,
                                        DropReason::kRateLimited};

Counter ReasonCounter(Metrics& metrics, bool lost, const Labels& labels) {
  return lost ? metrics.CounterOf("hinomi_log_bytes_lost_total",
                                  "Bytes of log files that are gone before they could be shipped.",
                                  labels)
              : metrics.CounterOf("hinomi_log_bytes_dropped_total",
                                  "Bytes of log files that are settled without being delivered.",
                                  labels);
}

}  // namespace

// What depends on the sink is there while the route has one.
void LogStore::RegisterRoute(uint32_t index) {
  const RouteConfig& route = routes_[index];
  RouteMetrics& made = route_metrics_[index];
  made = {};
  made.imbalance =
      metrics_.GaugeOf("hinomi_ledger_imbalance_bytes",
                       "Bytes that the ledger cannot account for: anything but 0 is a bug.",
                       {{"route", route.name}});
  for (const char* state : {"produced", "acknowledged", "dropped", "lost", "pending"}) {
    made.ledger[state] = metrics_.GaugeOf(
        "hinomi_ledger_bytes",
        "Bytes of log files since the beginning of the ledger, over all restarts, by what became "
        "of them.",
        {{"route", route.name}, {"state", state}});
  }
  if (routes_.removed(index)) return;
  const auto settled = [&](std::string_view outcome) {
    return metrics_.CounterOf(
        "hinomi_route_records_total", "Log records that a route has settled, by outcome.",
        {{"route", route.name}, {"sink", route.sink}, {"outcome", std::string(outcome)}});
  };
  const auto bytes = [&](std::string_view outcome) {
    return metrics_.CounterOf(
        "hinomi_route_source_bytes_total",
        "Bytes of log files that a route has settled, by outcome.",
        {{"route", route.name}, {"sink", route.sink}, {"outcome", std::string(outcome)}});
  };
  const Labels labels = {{"route", route.name}, {"sink", route.sink}};
  made.acknowledged = settled("acknowledged");
  made.acknowledged_bytes = bytes("acknowledged");
  for (const DropReason reason : kRouteReasons) {
    made.dropped[static_cast<size_t>(reason)] = settled(ToString(reason));
    made.dropped_bytes[static_cast<size_t>(reason)] = bytes(ToString(reason));
  }
  made.oldest = metrics_.GaugeOf("hinomi_route_oldest_unsettled_seconds",
                                 "Age of the oldest bytes that are not settled.", labels);
  made.pending = metrics_.GaugeOf("hinomi_route_pending_bytes",
                                  "Bytes of log files that are seen but not settled.", labels);
}

void LogStore::RegisterMetrics() {
  escrow_bytes_ = metrics_.GaugeOf("hinomi_escrow_bytes",
                                   "Bytes on the disk of removed files that only the agent keeps.");
  metrics_
      .GaugeOf("hinomi_escrow_bytes_max",
               "What that may be, escrow.bytes_max; beyond it the oldest are given up.")
      .Set(static_cast<double>(options_.escrow_bytes_max));
  if (!options_.escrow_directory.empty()) {
    escrow_free_ = metrics_.GaugeOf("hinomi_escrow_free_ratio",
                                    "Share of the escrow's file system that is free.");
    metrics_
        .GaugeOf("hinomi_escrow_free_ratio_min",
                 "escrow.free_percent_min, as a share; below it the oldest are given up.")
        .Set(static_cast<double>(options_.escrow_free_percent_min) / 100);
  }
  segments_open_ = metrics_.GaugeOf("hinomi_segments_open", "Log files held open.");
  logs_gauge_ = metrics_.GaugeOf("hinomi_logs", "Logs of container instances that are known.");
  no_route_ = metrics_.CounterOf(
      "hinomi_log_bytes_dropped_total",
      "Bytes of log files that are settled without being delivered.",
      {{"namespace", ""}, {"route", ""}, {"reason", std::string(ToString(DropReason::kNoRoute))}});
  hook_ = metrics_.OnScrape([this] { RefreshGauges(); });
}

void LogStore::RefreshGauges() {
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  std::vector<RouteSums> sums(route_metrics_.size());
  for (auto& [key, counters] : bytes_) counters.pending.Set(0);
  uint64_t open = 0;
  for (const auto& [handle, log] : logs_) {
    for (const Segment& segment : log->segments()) open += segment.file != nullptr ? 1 : 0;
    CountBytes(*log);
    uint64_t pending_max = 0;
    Duration waited_max{0};
    for (const Reader& reader : log->readers) {
      const uint64_t pending = log->BytesAfter(reader.settled().at);
      RouteSums& sum = sums[reader.route()];
      sum.produced += log->ProducedFor(reader);
      sum.settled += reader.settled_bytes();
      sum.pending += pending;
      sum.imbalance += static_cast<uint64_t>(std::abs(log->ImbalanceOf(reader)));
      BytesOf(NamespaceLabel(log->origin->pod.namespace_name), reader.route())
          .pending.Add(static_cast<double>(pending));
      if (pending == 0) continue;
      const Duration waited = now - reader.unsettled_since();
      sum.oldest = std::max(sum.oldest, waited);
      pending_max = std::max(pending_max, pending);
      waited_max = std::max(waited_max, waited);
    }
    if (pending_max > 0 && !log->origin->events)
      lag_.Add(log->origin->pod, pending_max, waited_max);
  }
  for (const auto& [key, gone] : gone_) {
    RouteSums& sum = sums[key.second];
    sum.produced += gone.produced;
    sum.settled += gone.settled;
    sum.imbalance +=
        static_cast<uint64_t>(std::abs(static_cast<int64_t>(gone.produced - gone.settled.Total())));
  }
  for (size_t route = 0; route < route_metrics_.size(); ++route)
    ShowSums(sums[route], route_metrics_[route]);
  lag_.Show();
  segments_open_.Set(static_cast<double>(open));
  logs_gauge_.Set(
      static_cast<double>(std::count_if(logs_.begin(), logs_.end(), [](const auto& log) {
        return !HoldsEvents(log.second->directory());
      })));
}

void LogStore::ShowSums(const RouteSums& sums, RouteMetrics& metrics) {
  metrics.oldest.Set(std::chrono::duration<double>(sums.oldest).count());
  metrics.pending.Set(static_cast<double>(sums.pending));
  metrics.ledger["produced"].Set(static_cast<double>(sums.produced));
  metrics.ledger["acknowledged"].Set(static_cast<double>(sums.settled.acknowledged));
  metrics.ledger["dropped"].Set(static_cast<double>(sums.settled.DroppedTotal()));
  metrics.ledger["lost"].Set(static_cast<double>(sums.settled.LostTotal()));
  metrics.ledger["pending"].Set(static_cast<double>(sums.pending));
  metrics.imbalance.Set(static_cast<double>(sums.imbalance));
}

void LogStore::CountSettled(const Slice& slice) {
  RouteMetrics& route = route_metrics_[slice.route];
  const Dropped& rejected = slice.dropped[DropReason::kRejected];
  const Dropped& limited = slice.dropped[DropReason::kRateLimited];
  route.acknowledged.Add(static_cast<double>(slice.records - rejected.lines));
  route.acknowledged_bytes.Add(static_cast<double>(slice.acknowledged_bytes));
  for (const DropReason reason : kRouteReasons) {
    const Dropped& dropped = slice.dropped[reason];
    route.dropped[static_cast<size_t>(reason)].Add(static_cast<double>(dropped.lines));
    route.dropped_bytes[static_cast<size_t>(reason)].Add(static_cast<double>(dropped.bytes));
  }
  NamespaceCounters& counters = CountersOf(slice.origin->pod.namespace_name);
  counters.lines.Add(slice.records);
  counters.bytes.Add(static_cast<double>(slice.acknowledged_bytes + rejected.bytes));
  if (limited.bytes == 0) return;
  metrics_
      .CounterOf("hinomi_rate_limited_bytes_total",
                 "Bytes of log files dropped because they were beyond a limit of fairness.",
                 {{"namespace", counters.label}})
      .Add(static_cast<double>(limited.bytes));
}

void LogStore::CountWait(const std::string& namespace_name, Duration wait) {
  metrics_
      .CounterOf("hinomi_rate_limited_seconds_total",
                 "Time that namespaces, pods and containers waited for a limit of fairness.",
                 {{"namespace", CountersOf(namespace_name).label}})
      .Add(std::chrono::duration<double>(wait).count());
}

// What has happened since the last time.
void LogStore::CountBytes(Log& log) {
  for (Reader& reader : log.readers) {
    const uint64_t produced = log.ProducedFor(reader);
    const SettledBytes settled = reader.TakeUncounted();
    if (produced == reader.produced_counted && settled == SettledBytes()) continue;
    const std::string name = NamespaceLabel(log.origin->pod.namespace_name);
    ByteCounters& counters = BytesOf(name, reader.route());
    counters.produced.Add(static_cast<double>(produced - reader.produced_counted));
    counters.acknowledged.Add(static_cast<double>(settled.acknowledged));
    const Labels labels = {{"namespace", name}, {"route", routes_[reader.route()].name}};
    const auto count = [&](std::optional<Counter>& counter, bool lost, std::string_view reason,
                           uint64_t bytes) {
      if (bytes == 0) return;
      Labels with_reason = labels;
      with_reason["reason"] = reason;
      if (!counter) counter = ReasonCounter(metrics_, lost, with_reason);
      counter->Add(static_cast<double>(bytes));
    };
    for (size_t i = 0; i < kDropReasons; ++i) {
      count(counters.dropped[i], false, ToString(static_cast<DropReason>(i)), settled.dropped[i]);
    }
    for (size_t i = 0; i < kLossReasons; ++i) {
      count(counters.lost[i], true, ToString(static_cast<LossReason>(i)), settled.lost[i]);
    }
    settled_bytes_ += settled;
    reader.produced_counted = produced;
  }
}

void LogStore::CountDropped(const std::string& namespace_label, uint32_t route, DropReason reason,
                            uint64_t bytes) {
  if (bytes == 0) return;
  std::optional<Counter>& counter =
      BytesOf(namespace_label, route).dropped[static_cast<size_t>(reason)];
  if (!counter) {
    counter = ReasonCounter(metrics_, /*lost=*/false,
                            {{"namespace", namespace_label},
                             {"route", routes_[route].name},
                             {"reason", std::string(ToString(reason))}});
  }
  counter->Add(static_cast<double>(bytes));
}

LogStore::ByteCounters& LogStore::BytesOf(const std::string& namespace_label, uint32_t route) {
  const auto [it, fresh] = bytes_.try_emplace({namespace_label, route});
  if (!fresh) return it->second;
  const Labels labels = {{"namespace", namespace_label}, {"route", routes_[route].name}};
  it->second.produced = metrics_.CounterOf(
      "hinomi_log_bytes_produced_total", "Bytes of log files that were seen, for a route.", labels);
  it->second.acknowledged = metrics_.CounterOf(
      "hinomi_log_bytes_acknowledged_total",
      "Bytes of log files whose records the route's sink has acknowledged.", labels);
  it->second.pending = metrics_.GaugeOf(
      "hinomi_log_bytes_pending", "Bytes of log files that are seen but not settled.", labels);
  return it->second;
}

std::string LogStore::NamespaceLabel(const std::string& namespace_name) {
  return CountersOf(namespace_name).label;
}

LogStore::NamespaceCounters& LogStore::CountersOf(const std::string& namespace_name) {
  const auto known = namespaces_.find(namespace_name);
  if (known != namespaces_.end()) return known->second;
  const bool full = namespaces_.size() >= options_.namespaces_max;
  const std::string label = full ? kOverflow : namespace_name;
  const auto [it, fresh] = namespaces_.try_emplace(label);
  if (fresh) {
    it->second = {
        label,
        metrics_.CounterOf("hinomi_log_lines_total", "Log records settled, once for each route.",
                           {{"namespace", label}}),
        metrics_.CounterOf("hinomi_log_bytes_total",
                           "Bytes of log files settled, once for each route.",
                           {{"namespace", label}})};
  }
  return it->second;
}

}  // namespace hinomi
