// What the store tells people.
#include <algorithm>

#include "shipper/source/log_store.h"

namespace hinomi {
namespace {

uint64_t ValueOf(const Counter& counter) { return static_cast<uint64_t>(counter.Value()); }

}  // namespace

LogStatus LogStore::StatusOf(const Log& log, Duration now) {
  LogStatus status{log.handle(), log.origin};
  for (const Reader& reader : log.readers) {
    status.lines = std::max(status.lines, reader.settled_lines);
    status.bytes = std::max(status.bytes, reader.delivered_bytes);
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
    if (log->origin == nullptr || log->origin->events) continue;
    // Nobody reads a log whose sink is dead, and so nobody sees it grow.
    const bool written = std::any_of(log->readers.begin(), log->readers.end(),
                                     [](const Reader& reader) { return reader.queued; });
    if (written) log->Refresh(Around(now));
    const LogStatus& status = report.logs.emplace_back(StatusOf(*log, now));
    report.lines += status.lines;
    report.bytes += status.bytes;
  }
  for (const auto& [handle, log] : logs_) CountBytes(*log);
  for (size_t i = 0; i < kDropReasons; ++i) {
    report.dropped_bytes[ToString(static_cast<DropReason>(i))] = settled_bytes_.dropped[i];
  }
  report.dropped_bytes[ToString(DropReason::kNoRoute)] = ValueOf(no_route_);
  for (size_t i = 0; i < kLossReasons; ++i) {
    report.lost_bytes[ToString(static_cast<LossReason>(i))] = settled_bytes_.lost[i];
  }
  return report;
}

}  // namespace hinomi
