// What the store knows of the logs that a person asks about.
#include <algorithm>

#include "shipper/source/log_store.h"

namespace hinomi {

LedgerEntry LogStore::EntryOf(const Log& log, const Reader& reader) const {
  LedgerEntry entry;
  entry.route = routes_[reader.route()].name;
  entry.origin = log.origin;
  entry.namespace_name = log.origin->pod.namespace_name;
  entry.produced = log.ProducedFor(reader);
  entry.settled = reader.settled_bytes();
  entry.in_flight = reader.in_flight_bytes();
  entry.unread = log.BytesAfter(reader.read().at);
  entry.imbalance = log.ImbalanceOf(reader);
  return entry;
}

LogFacts LogStore::FactsOf(const Log& log, Duration now) const {
  LogFacts facts;
  facts.directory = log.directory();
  facts.path = log.origin != nullptr ? log.origin->path : log.stranger->path;
  facts.pod = log.pod();
  facts.own = log.origin != nullptr && log.origin->own;
  facts.identified = log.identified();
  const auto waiting = waiting_.find(log.handle());
  if (waiting != waiting_.end()) facts.waits_for_metadata = now - waiting->second.since;
  for (const Segment& segment : log.segments()) {
    if (segment.file == nullptr || segment.finished) continue;
    if (!segment.held) ++facts.unlinked_files;
    if (!segment.name.empty()) continue;
    ++facts.removed_files;
    facts.removed_bytes += segment.size;
  }
  for (const Reader& reader : log.readers) {
    ReaderFacts& way = facts.readers.emplace_back();
    way.ledger = EntryOf(log, reader);
    if (log.BytesAfter(reader.settled().at) > 0) way.oldest = now - reader.unsettled_since();
    way.open_record = reader.has_open;
    way.held_up = queues_[reader.route()].ready.HeldUpBy(log.handle(), now);
  }
  return facts;
}

std::vector<LogFacts> LogStore::Explain(const PodQuery& query) {
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  std::vector<LogFacts> facts;
  for (const auto& [handle, log] : logs_) {
    if (!Matches(query, log->pod()) || HoldsEvents(log->directory())) continue;
    // Nobody reads a log whose sink is dead, and so nobody sees it grow.
    log->Refresh(Around(now));
    facts.push_back(FactsOf(*log, now));
  }
  return facts;
}

}  // namespace hinomi
