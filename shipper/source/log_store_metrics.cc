// What the store tells Prometheus.
#include "shipper/source/log_store.h"

namespace hinomi {
namespace {

constexpr char kOverflow[] = "_overflow";
// Those that a slice can have.
constexpr DropReason kRouteReasons[] = {DropReason::kRejected, DropReason::kCorrupt,
                                        DropReason::kRateLimited};

}  // namespace

void LogStore::RegisterMetrics() {
  for (const RouteConfig& route : options_.routes) {
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
    RouteMetrics& made = routes_.emplace_back();
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
  segments_open_ = metrics_.GaugeOf("hinomi_segments_open", "Log files held open.");
  logs_gauge_ = metrics_.GaugeOf("hinomi_logs", "Logs of container instances that are known.");
  no_route_ = metrics_.CounterOf("hinomi_log_bytes_dropped_total",
                                 "Bytes of logs that were left out on purpose.",
                                 {{"reason", std::string(ToString(DropReason::kNoRoute))}});
  metrics_.OnScrape([this] { RefreshGauges(); });
}

void LogStore::RefreshGauges() {
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  std::vector<Duration> oldest(routes_.size(), now);
  std::vector<uint64_t> pending(routes_.size(), 0);
  uint64_t open = 0;
  for (const auto& [handle, log] : logs_) {
    for (const Segment& segment : log->segments()) open += segment.file != nullptr ? 1 : 0;
    for (const Reader& reader : log->readers) {
      const uint64_t bytes = log->BytesAfter(reader.settled().at);
      pending[reader.route()] += bytes;
      if (bytes == 0) continue;
      oldest[reader.route()] = std::min(oldest[reader.route()], reader.unsettled_since());
    }
  }
  for (size_t route = 0; route < routes_.size(); ++route) {
    routes_[route].oldest.Set(std::chrono::duration<double>(now - oldest[route]).count());
    routes_[route].pending.Set(static_cast<double>(pending[route]));
  }
  segments_open_.Set(static_cast<double>(open));
  logs_gauge_.Set(static_cast<double>(logs_.size()));
}

void LogStore::CountSettled(const Slice& slice) {
  RouteMetrics& route = routes_[slice.route];
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
