// What the store does from time to time: limits of the escrow, losses, the ledger.
#include <algorithm>

#include "base/logging.h"
#include "shipper/source/log_store.h"

namespace hinomi {

// Only files whose name is gone cost space that would be free without the agent.
uint64_t LogStore::EnforceEscrowLimits() {
  struct Candidate {
    Duration superseded_at;
    uint64_t bytes;
    Segment* segment;
  };
  const Result<DiskSpace> space = files_.SpaceOf(escrow_.directory());
  if (space && space->total > 0) {
    escrow_free_.Set(static_cast<double>(space->available) / static_cast<double>(space->total));
  }
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  std::vector<Candidate> candidates;
  uint64_t held = 0;
  for (const auto& [handle, log] : logs_) {
    for (Segment& segment : log->segments()) {
      if (segment.file == nullptr || !segment.name.empty()) continue;
      const Result<FileStat> stat = segment.file->Stat();
      if (!stat || stat->links > (segment.held ? 1 : 0)) continue;
      held += stat->allocated_bytes;
      // What is given up already is on its way out.
      if (segment.gone) continue;
      candidates.push_back({segment.superseded_at, stat->allocated_bytes, &segment});
    }
  }
  escrow_bytes_.Set(static_cast<double>(held));
  if (held == 0) return 0;
  uint64_t wanted = held - std::min(held, options_.escrow_bytes_max);
  if (space) {
    const uint64_t kept_free = space->total / 100 * options_.escrow_free_percent_min;
    wanted = std::max(wanted, kept_free - std::min(kept_free, space->available));
  }
  uint64_t given_up = 0;
  uint64_t leaving = held;
  for (const Candidate& candidate : candidates) leaving -= candidate.bytes;
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.superseded_at < b.superseded_at;
  });
  for (const Candidate& candidate : candidates) {
    if (leaving >= wanted) break;
    leaving += candidate.bytes;
    given_up += candidate.bytes;
    candidate.segment->GiveUp(LossReason::kEscrowFull, now);
  }
  return given_up;
}

std::vector<MissedFile> LogStore::TakeMissed() {
  const std::lock_guard lock(mutex_);
  std::vector<MissedFile> missed;
  for (const auto& [handle, log] : logs_) {
    for (std::string& name : log->TakeMissed()) {
      if (HoldsEvents(log->directory())) continue;
      missed.push_back({log->pod(), std::move(name)});
    }
  }
  return missed;
}

std::vector<Loss> LogStore::FindLosses() {
  const std::lock_guard lock(mutex_);
  std::vector<Loss> losses;
  const Duration now = clock_.Monotonic();
  for (const auto& [handle, log] : logs_) {
    for (uint32_t i = 0; i < log->readers.size(); ++i) {
      const Reader& reader = log->readers[i];
      const bool fenced = !reader.idle() && !reader.leased && log->IsFenced(reader, now);
      if (fenced) TakeBack(*log, i, reader.oldest_ticket(), now);
    }
    log->FindLosses(now, &losses);
  }
  MarkSettled(now);
  return losses;
}

// Files can be let go of once a checkpoint says that they are settled, so one is due.
void LogStore::MarkSettled(Duration now) {
  for (const auto& [handle, log] : logs_) {
    if (!waiting_.contains(handle) && log->MarkSettled(now)) dirty_ = true;
  }
}

bool LogStore::HasLosses() const {
  return std::any_of(logs_.begin(), logs_.end(), [](const auto& entry) {
    const Log& log = *entry.second;
    return std::any_of(log.segments().begin(), log.segments().end(), [&](const Segment& segment) {
      return segment.gone &&
             std::any_of(log.readers.begin(), log.readers.end(), [&](const Reader& reader) {
               return reader.read().at < Position{segment.ordinal, segment.size};
             });
    });
  });
}

void LogStore::Settle(const std::vector<Loss>& losses) {
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  for (const Loss& loss : losses) {
    const auto it = logs_.find(loss.log);
    if (it == logs_.end()) continue;
    Log& log = *it->second;
    if (loss.reason != LossReason::kLate && !log.Settle(loss)) continue;
    if (!log.origin->own) {
      log::Error("{} bytes of \"{}\" are lost for route \"{}\": {}", loss.bytes, log.directory(),
                 routes_[loss.route].name, ToString(loss.reason));
    }
    MarkAllReady(log, now);
    dirty_ = true;
  }
}

void LogStore::Fold(Log& log) {
  CountBytes(log);
  for (const Reader& reader : log.readers) Fold(log, reader);
}

void LogStore::Fold(const Log& log, const Reader& reader) {
  GoneBytes& gone = gone_[{NamespaceLabel(log.origin->pod.namespace_name), reader.route()}];
  gone.produced += log.ProducedFor(reader);
  gone.settled += reader.settled_bytes();
}

Ledger LogStore::TakeLedger() const {
  const std::lock_guard lock(mutex_);
  Ledger ledger;
  ledger.epoch_seconds = epoch_seconds_;
  ledger.entries.reserve(logs_.size() + gone_.size());
  for (const auto& [handle, log] : logs_) {
    for (const Reader& reader : log->readers) {
      ledger.entries.push_back(EntryOf(*log, reader));
    }
  }
  for (const auto& [key, gone] : gone_) {
    LedgerEntry& entry = ledger.entries.emplace_back();
    entry.route = routes_[key.second].name;
    entry.namespace_name = key.first;
    entry.produced = gone.produced;
    entry.settled = gone.settled;
    entry.imbalance = static_cast<int64_t>(gone.produced - gone.settled.Total());
  }
  return ledger;
}

LogTail LogStore::TailOf(const std::string& directory, uint32_t restart) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find({directory, restart});
  if (found == by_name_.end()) return {};
  const Log& log = *found->second;
  const auto& segments = log.segments();
  const auto newest = std::find_if(segments.rbegin(), segments.rend(), [](const Segment& segment) {
    return segment.file != nullptr && !segment.gone && segment.size > 0;
  });
  if (log.readers.empty() || newest == segments.rend()) return {};
  return {newest->file, log.format};
}

bool LogStore::Settled(const std::string& directory, uint32_t restart) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find({directory, restart});
  if (found == by_name_.end()) return false;
  const Log& log = *found->second;
  return log.origin != nullptr &&
         std::all_of(log.readers.begin(), log.readers.end(), [&](const Reader& reader) {
           return reader.idle() && log.BytesAfter(reader.settled().at) == 0;
         });
}

std::string LogStore::EscrowDegraded() const {
  const std::lock_guard lock(mutex_);
  return escrow_.degraded();
}

}  // namespace hinomi
