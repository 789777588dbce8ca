#include "shipper/source/log_store.h"

#include <algorithm>
#include <optional>

#include "base/logging.h"
#include "base/planted_bug.h"

namespace hinomi {
namespace {

constexpr size_t kGunzipCursorsMax = 64;
// A cursor of a log that nobody has seen for so long is of one that went while no agent ran.
constexpr Duration kStrangersKept = std::chrono::minutes(10);

}  // namespace

LogStore::LogStore(LogStoreOptions options, FileSystem& files, const Clock& clock, Metrics& metrics)
    : options_(std::move(options)),
      files_(files),
      clock_(clock),
      metrics_(metrics),
      counters_(metrics),
      escrow_(options_.escrow_directory, files, metrics),
      gunzip_(kGunzipCursorsMax),
      routes_(options_.routes),
      lingers_(options_.lingers),
      fairness_(options_.fairness),
      lag_(metrics, options_.lagging_max) {
  AddQueues();
  RegisterMetrics();
}

Log::Surroundings LogStore::Around(Duration now, Duration since) {
  return {files_, escrow_, gunzip_, counters_, now, clock_.Wall() - since, vanished_};
}

void LogStore::MarkAllReady(Log& log, Duration now) {
  for (uint32_t i = 0; i < log.readers.size(); ++i) MarkReady(log, i, now);
}

void LogStore::MarkReady(Log& log, uint32_t index, Duration now) {
  Reader& reader = log.readers[index];
  if (reader.leased) reader.touched = true;
  if (reader.leased || reader.queued) return;
  reader.queued = true;
  if (reader.caught_up) reader.fresh_since = now;
  reader.caught_up = false;
  Queue& queue = queues_[reader.route()];
  if (queue.next.empty()) {
    queue.due = hurry_ ? now : now + lingers_[reader.route()];
    woken_ = true;
    wake_.notify_one();
  }
  queue.next.push_back({log.handle(), index});
}

void LogStore::MarkAt(Duration when, Reference reference) { timers_.emplace(when, reference); }

void LogStore::RunTimers(Duration now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const Reference reference = timers_.begin()->second;
    timers_.erase(timers_.begin());
    const auto it = logs_.find(reference.log);
    // A log may have fewer readers by now; those that it has were all made ready then.
    if (it == logs_.end() || reference.reader >= it->second->readers.size()) continue;
    MarkReady(*it->second, reference.reader, now);
  }
  for (Queue& queue : queues_) Refill(queue, now);
}

void LogStore::WaitForWork(Duration timeout) {
  std::unique_lock lock(mutex_);
  if (!timers_.empty()) timeout = std::min(timeout, timers_.begin()->first - clock_.Monotonic());
  wake_.wait_for(lock, std::max(timeout, Duration{0}), [this] { return woken_; });
  woken_ = false;
  RunTimers(clock_.Monotonic());
}

void LogStore::Wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  wake_.notify_one();
}

void LogStore::Hurry() {
  const std::lock_guard lock(mutex_);
  hurry_ = true;
  for (Queue& queue : queues_) queue.due = Duration{0};
  woken_ = true;
  wake_.notify_one();
}

std::optional<Duration> LogStore::NextDue(uint32_t route) const {
  const std::lock_guard lock(mutex_);
  const Queue& queue = queues_[route];
  const std::optional<Duration> due = queue.ready.NextDue();
  if (queue.next.empty()) return due;
  return std::min(due.value_or(queue.due), queue.due);
}

void LogStore::Refill(Queue& queue, Duration now) {
  if (queue.next.empty() || now < queue.due) return;
  for (const Reference& reference : queue.next) {
    if (logs_.contains(reference.log)) queue.ready.Ready(reference.log, now);
  }
  queue.next.clear();
}

bool LogStore::NextLease(uint32_t route, Lease* lease) {
  {
    const std::lock_guard lock(mutex_);
    const Duration now = clock_.Monotonic();
    RunTimers(now);
    Scheduler& ready = queues_[route].ready;
    for (;;) {
      const std::optional<Scheduler::Turn> turn = ready.Next(now);
      if (!turn) return false;
      Log& log = *logs_.at(turn->log);
      Reader& reader = ReaderOf(log, route);
      reader.queued = false;
      log.Refresh(Around(now));
      lease->kept_bytes_max = turn->kept_bytes_max;
      if (Plan(log, reader, lease, now)) break;
      if (log.BytesAfter(reader.read().at) == 0) reader.caught_up = true;
      ready.Done(turn->log, {});
    }
  }
  Read(lease);
  return true;
}

// Chooses the bytes of the next lease. False when there are none, and then arranges for another
// look where one is due.
bool LogStore::Plan(Log& log, Reader& reader, Lease* lease, Duration now) {
  lease->pieces.clear();
  lease->files.clear();
  const auto index = static_cast<uint32_t>(&reader - log.readers.data());
  uint64_t room = options_.quantum_bytes;
  bool more = false;
  Position at = reader.read().at;
  Segment* segment = log.Find(at.segment);
  if (segment == nullptr && (segment = log.Next(at.segment)) != nullptr) {
    // An empty file that nothing could be told by is not in the checkpoint.
    at = {segment->ordinal, segment->begin};
    reader.Skip(at);
  }
  while (segment != nullptr) {
    at.offset = std::max(at.offset, segment->begin);
    const uint64_t end = segment->readable_end();
    const bool ended = at.offset >= end;
    if (!ended && (segment->file == nullptr || !segment->identified())) break;
    const uint64_t size = ended ? 0 : std::min(room, end - at.offset);
    const bool ends = at.offset + size >= end;
    const bool final = ends && (segment->FinalAt(now) || segment->gone);
    if (size > 0) {
      lease->pieces.push_back({segment->ordinal, segment->key, at.offset, {nullptr, size}, final});
      lease->files.push_back(
          {segment->file, segment->compressed ? Fingerprint{} : segment->fingerprint});
      room -= size;
    }
    more = !ends;
    if (!ends) break;
    if (!final) {
      if (segment->superseded)
        MarkAt(segment->superseded_at + kSupersededGrace, {log.handle(), index});
      break;
    }
    // What is lost is passed when that is settled.
    if (end < segment->size && at.offset < segment->size) break;
    Segment* next = log.Next(segment->ordinal);
    if (next == nullptr) break;
    at = {next->ordinal, next->begin};
    if (lease->pieces.empty()) reader.Skip(at);
    more = next->readable_end() > next->begin && next->file != nullptr;
    if (room == 0) break;
    segment = next;
  }
  if (lease->pieces.empty()) return false;
  reader.leased = true;
  reader.touched = false;
  lease->log = log.handle();
  lease->route = reader.route();
  lease->begin = reader.read().at;
  lease->origin = log.origin;
  lease->levels = reader.levels;
  lease->metadata = reader.metadata;
  lease->chunk.before = reader.read().continuing;
  lease->chunk.full = more;
  lease->chunk.close_open = reader.has_open && now - reader.open_since >= OpenDelay(log);
  lease->chunk.open_end = reader.open_end;
  return true;
}

// How long what is open waits.
Duration LogStore::OpenDelay(const Log& log) const {
  const std::optional<uint32_t> rule = log.origin->multiline;
  return rule ? options_.multiline[*rule].wait : options_.open_record_delay_max;
}

// Without the lock: only files and the lease's own buffers.
void LogStore::Read(Lease* lease) {
  size_t total = 0;
  for (const ChunkPiece& piece : lease->pieces) total += piece.data.size();
  if (lease->buffer.size() < total + Chunk::kPadding) lease->buffer.resize(total + Chunk::kPadding);
  char* out = lease->buffer.data();
  size_t used = 0;
  for (size_t i = 0; i < lease->pieces.size(); ++i) {
    ChunkPiece& piece = lease->pieces[i];
    const size_t wanted = piece.data.size();
    File& file = *lease->files[i].file;
    const Result<size_t> count = file.ReadAt(piece.offset, out, wanted);
    if (!count && count.error().kind == ErrorKind::kCorrupt) {
      GiveUpUnreadable(*lease, piece.segment);
    } else if (!count) {
      log::Warn("{}; it will be tried again", count.error().message);
    }
    // If the file still begins as it did, these bytes are those that followed then: it was not
    // truncated and written anew under our hands.
    const Result<bool> same = Matches(file, lease->files[i].fingerprint);
    if (same && !*same) LookAgain(*lease, piece.segment);
    const size_t size = count && same && *same ? *count : 0;
    piece.data = {out, size};
    out += size;
    ++used;
    if (size == wanted || PlantedBug(Bug::kShortReadPassedOver)) continue;
    // What is there is taken, the rest is seen at the next look.
    piece.last = false;
    lease->chunk.full = false;
    break;
  }
  lease->pieces.resize(used);
  lease->chunk.pieces = lease->pieces;
}

// Its times need not tell: they are a few milliseconds coarse.
void LogStore::LookAgain(const Lease& lease, uint32_t ordinal) {
  const std::lock_guard lock(mutex_);
  Log& log = *logs_.at(lease.log);
  if (Segment* segment = log.Find(ordinal); segment != nullptr) {
    segment->modified = Duration{0};
    // It was truncated once, and now what was left of it is gone, too.
    if (segment->gone) segment->gone_from = 0;
  }
  ReaderOf(log, lease.route).touched = true;
}

void LogStore::GiveUpUnreadable(const Lease& lease, uint32_t ordinal) {
  const std::lock_guard lock(mutex_);
  Segment* segment = logs_.at(lease.log)->Find(ordinal);
  CHECK(segment != nullptr);
  segment->GiveUp(LossReason::kUnreadable, clock_.Monotonic());
}

void LogStore::Commit(const Lease& lease, const Decoded& decoded, std::span<Slice*> slices) {
  const std::lock_guard lock(mutex_);
  Log& log = *logs_.at(lease.log);
  Reader& reader = ReaderOf(log, lease.route);
  const Duration now = clock_.Monotonic();
  const auto index = static_cast<uint32_t>(&reader - log.readers.data());
  reader.leased = false;
  // Many logs are idle: what is made again in less than a microsecond is not kept for them.
  const bool again = lease.chunk.full && lease.origin == log.origin;
  reader.metadata = again ? lease.metadata : std::string();
  Scheduler::Usage usage;
  for (Slice* slice : slices) {
    uint64_t bytes = 0;
    for (const SegmentRange& range : slice->ranges) bytes += range.end - range.begin;
    usage.kept_bytes += bytes - slice->dropped[DropReason::kRateLimited].bytes;
    slice->ticket = next_ticket_++;
    reader.Advance(slice->ticket, {slice->end, slice->after}, bytes);
  }
  const bool moved = decoded.consumed != lease.begin;
  reader.caught_up = !lease.chunk.full;
  if (reader.caught_up && !decoded.has_open) reader.fresh_since = now;
  const bool grown = decoded.open_end != reader.open_end;  // the wait is for the next line
  if (decoded.has_open && (moved || !reader.has_open || grown)) reader.open_since = now;
  reader.has_open = decoded.has_open;
  reader.open_end = decoded.open_end;
  // What did not close when its time was over waits for what is written next.
  if (reader.has_open && (moved || grown || !lease.chunk.close_open))
    MarkAt(reader.open_since + OpenDelay(log), {log.handle(), index});
  const ChunkPiece& last = lease.pieces.back();
  const bool to_next = last.last && log.Next(last.segment) != nullptr;
  // Full and nothing consumed: there was no room for the first record.
  reader.queued = lease.chunk.full || (moved && to_next);
  for (const ChunkPiece& piece : lease.pieces) usage.read_bytes += piece.data.size();
  usage.more = reader.queued;
  queues_[lease.route].ready.Done(lease.log, usage);
  if (reader.queued) return;
  if (reader.touched) {
    MarkReady(log, index, now);
  } else if (const Segment* segment = log.Find(last.segment); segment->superseded && !last.last) {
    MarkAt(segment->superseded_at + kSupersededGrace, {log.handle(), index});
  }
}

void LogStore::Settle(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  for (const Slice& slice : batch.slices) {
    const auto it = logs_.find(slice.log);
    if (it == logs_.end()) continue;
    Log& log = *it->second;
    SettledBytes outcome;
    outcome.acknowledged = slice.acknowledged_bytes;
    for (size_t i = 0; i < kDropReasons && !PlantedBug(Bug::kDropsNotCounted); ++i) {
      outcome.dropped[i] = slice.dropped[static_cast<DropReason>(i)].bytes;
    }
    for (Reader& reader : log.readers) {
      if (reader.route() != slice.route) continue;
      if (!reader.Settle(slice.ticket, outcome)) continue;
      CountSettled(slice);
      reader.settled_lines += slice.records;
      reader.delivered_bytes += slice.acknowledged_bytes + slice.dropped.bytes();
    }
  }
  dirty_ = true;
}

void LogStore::Forget(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  for (const Slice& slice : batch.slices) {
    const auto it = logs_.find(slice.log);
    if (it == logs_.end()) continue;
    Log& log = *it->second;
    for (uint32_t i = 0; i < log.readers.size(); ++i) {
      if (log.readers[i].route() == slice.route) TakeBack(log, i, slice.ticket, now);
    }
  }
}

// A ticket and what came after it.
void LogStore::TakeBack(Log& log, uint32_t index, uint64_t ticket, Duration now) {
  Reader& reader = log.readers[index];
  const uint64_t unread = log.BytesAfter(reader.read().at);
  if (!reader.Forget(ticket)) return;
  queues_[reader.route()].ready.Forgive(log.handle(), log.BytesAfter(reader.read().at) - unread);
  MarkReady(log, index, now);
}

bool LogStore::Drained() const {
  const std::lock_guard lock(mutex_);
  // A reader at the end of a file that was just rotated waits for its writer's last lines; what is
  // in the next file comes after that.
  const bool soon =
      !timers_.empty() && timers_.begin()->first <= clock_.Monotonic() + kSupersededGrace;
  return !soon && !HasLosses() && waiting_.empty() &&
         std::all_of(queues_.begin(), queues_.end(), [](const Queue& queue) {
           return !queue.ready.NextDue() && queue.next.empty();
         });
}

bool LogStore::dirty() const {
  const std::lock_guard lock(mutex_);
  return dirty_;
}

void LogStore::SetDirty() {
  const std::lock_guard lock(mutex_);
  dirty_ = true;
}

CheckpointState LogStore::Snapshot() {
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  CheckpointState state;
  std::vector<std::string> names;
  for (const RouteConfig& route : routes_.by_index()) names.push_back(route.name);
  for (const auto& [handle, log] : logs_) {
    if (log->origin != nullptr) state.logs.push_back(log->State(names));
  }
  for (const auto& [name, stored] : restored_) {
    if (stored.in_checkpoint) state.logs.push_back(stored.state);
  }
  for (const auto& [key, gone] : gone_) {
    state.gone.push_back({names[key.second], key.first, gone.produced, gone.settled});
  }
  state.epoch_seconds = epoch_seconds_;
  state.routes.assign(known_routes_.begin(), known_routes_.end());
  for (const RouteConfig& route : routes_.by_index()) {
    const bool looked = looked_ && !route.sink.empty();
    if (looked && !known_routes_.contains(route.name)) state.routes.push_back(route.name);
  }
  MarkSettled(now);
  dirty_ = false;
  return state;
}

void LogStore::ReleaseSettled() {
  const std::lock_guard lock(mutex_);
  const Log::Surroundings around = Around(clock_.Monotonic());
  for (const auto& [handle, log] : logs_) log->ReleaseSettled(around);
}

std::vector<GoneLog> LogStore::Prune() {
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  std::vector<GoneLog> gone;
  for (auto& [route, kept] : kept_) {
    if (!looked_ || now - kept.adopted_at < kStrangersKept) continue;
    for (const auto& [log, cursor] : kept.cursors) gone.push_back({route, log});
    kept.cursors.clear();
  }
  for (auto it = logs_.begin(); it != logs_.end();) {
    Log& log = *it->second;
    const bool busy = std::any_of(log.readers.begin(), log.readers.end(),
                                  [](const Reader& reader) { return reader.leased; });
    if (busy || waiting_.contains(log.handle()) || !log.Prune()) {
      ++it;
      continue;
    }
    const LogStatus last = StatusOf(log, now);
    if (!HoldsEvents(log.directory())) {
      gone_lines_ += last.lines;
      gone_bytes_ += last.bytes;
    }
    Fold(log);
    for (const Reader& reader : log.readers) {
      queues_[reader.route()].ready.Leave(log.handle());
      if (kept_.contains(reader.route())) gone.push_back({reader.route(), log.origin->path});
    }
    by_name_.erase({log.directory(), log.restart()});
    it = logs_.erase(it);
    dirty_ = true;
  }
  return gone;
}

}  // namespace hinomi
