// What the store tells people.
#include <algorithm>

#include "shipper/source/log_store.h"

namespace hinomi {
namespace {

uint64_t BytesOf(const Counter& counter) { return static_cast<uint64_t>(counter.Value()); }

}  // namespace

LogStatus LogStore::StatusOf(const Log& log, Duration now) {
  LogStatus status{log.handle(), log.origin};
  for (const Reader& reader : log.readers) {
    status.lines = std::max(status.lines, reader.settled_lines);
    status.bytes = std::max(status.bytes, reader.settled_bytes);
    const uint64_t pending = log.BytesAfter(reader.settled().at);
    status.pending_bytes = std::max(status.pending_bytes, pending);
    if (pending > 0) status.oldest = std::max(status.oldest, now - reader.unsettled_since());
  }
  return status;
}

LogsStatus LogStore::Report() {
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  LogsStatus report;
  report.lines = gone_lines_;
  report.bytes = gone_bytes_;
  report.logs.reserve(logs_.size());
  for (const auto& [handle, log] : logs_) {
    if (log->origin == nullptr) continue;
    // Nobody reads a log whose sink is dead, and so nobody sees it grow.
    const bool written = std::any_of(log->readers.begin(), log->readers.end(),
                                     [](const Reader& reader) { return reader.queued; });
    if (written) log->Refresh(Around(now));
    const LogStatus& status = report.logs.emplace_back(StatusOf(*log, now));
    report.lines += status.lines;
    report.bytes += status.bytes;
  }
  auto& dropped = report.dropped_bytes;
  for (const RouteMetrics& route : routes_) {
    for (size_t i = 0; i < kDropReasons; ++i) {
      dropped[ToString(DropReason(i))] += BytesOf(route.dropped_bytes[i]);
    }
  }
  dropped[ToString(DropReason::kBeforeSince)] = BytesOf(counters_.before_since);
  dropped[ToString(DropReason::kNoRoute)] = BytesOf(no_route_);
  report.lost_bytes = {{"truncated", BytesOf(counters_.lost_truncated)},
                       {"vanished", BytesOf(counters_.lost_vanished)},
                       {"late", BytesOf(counters_.lost_late)}};
  return report;
}

}  // namespace hinomi
