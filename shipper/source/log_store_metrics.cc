// What the store tells Prometheus.
#include "shipper/source/log_store.h"

namespace hinomi {
namespace {

constexpr char kOverflow[] = "_overflow";

}  // namespace

void LogStore::RegisterMetrics() {
  for (const RouteConfig& route : options_.routes) {
    const auto settled = [&](const char* outcome) {
      return metrics_.CounterOf(
          "hinomi_route_records_total", "Log records that a route has settled, by outcome.",
          {{"route", route.name}, {"sink", route.sink}, {"outcome", outcome}});
    };
    const auto bytes = [&](const char* outcome) {
      return metrics_.CounterOf(
          "hinomi_route_source_bytes_total",
          "Bytes of log files that a route has settled, by outcome.",
          {{"route", route.name}, {"sink", route.sink}, {"outcome", outcome}});
    };
    const Labels labels = {{"route", route.name}, {"sink", route.sink}};
    routes_.push_back(
        {settled("acknowledged"), settled("rejected"), settled("corrupt"), bytes("acknowledged"),
         bytes("rejected"), bytes("corrupt"),
         metrics_.GaugeOf("hinomi_route_oldest_unsettled_seconds",
                          "Age of the oldest bytes that are not settled.", labels),
         metrics_.GaugeOf("hinomi_route_pending_bytes",
                          "Bytes of log files that are seen but not settled.", labels)});
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
  const uint64_t corrupt_lines = slice.corrupt_lines;
  route.acknowledged.Add(slice.records - slice.rejected_records);
  route.rejected.Add(slice.rejected_records);
  route.corrupt.Add(static_cast<double>(corrupt_lines));
  route.acknowledged_bytes.Add(static_cast<double>(slice.acknowledged_bytes));
  route.rejected_bytes.Add(static_cast<double>(slice.rejected_bytes));
  route.corrupt_bytes.Add(static_cast<double>(slice.corrupt_bytes));
  NamespaceCounters& counters = CountersOf(slice.origin->pod.namespace_name);
  counters.lines.Add(slice.records);
  counters.bytes.Add(static_cast<double>(slice.acknowledged_bytes + slice.rejected_bytes));
}

LogStore::NamespaceCounters& LogStore::CountersOf(const std::string& namespace_name) {
  const auto known = namespaces_.find(namespace_name);
  if (known != namespaces_.end()) return known->second;
  const bool full = namespaces_.size() >= options_.namespaces_max;
  const std::string label = full ? kOverflow : namespace_name;
  const auto [it, fresh] = namespaces_.try_emplace(label);
  if (fresh) {
    it->second = {
        metrics_.CounterOf("hinomi_log_lines_total", "Log records settled, once for each route.",
                           {{"namespace", label}}),
        metrics_.CounterOf("hinomi_log_bytes_total",
                           "Bytes of log files settled, once for each route.",
                           {{"namespace", label}})};
  }
  return it->second;
}

}  // namespace hinomi
