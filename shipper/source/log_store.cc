#include "shipper/source/log_store.h"

#include <algorithm>
#include <ctime>
#include <optional>

#include "base/logging.h"
#include "base/planted_bug.h"
#include "config/glob.h"
#include "metadata/workload.h"

namespace hinomi {
namespace {

// Seconds since the epoch of an RFC 3339 time, its zone left aside; `fallback` when it is none.
uint32_t SecondsOf(const std::string& time, Duration fallback) {
  tm parts = {};
  if (strptime(time.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) {
    return static_cast<uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(fallback).count());
  }
  return static_cast<uint32_t>(timegm(&parts));
}

uint64_t HashOf(const PodInfo& pod, const std::string& first_time) {
  std::string identity = pod.pod_uid;
  // docker's containers are told apart by their ids, and get new names.
  const std::string name = pod.docker == nullptr ? pod.container_name : "";
  for (const std::string& part : {name, std::to_string(pod.restart_count), first_time}) {
    identity += '\0';
    identity += part;
  }
  return Hash64Of(identity);
}

}  // namespace

LogStore::LogStore(LogStoreOptions options, FileSystem& files, const Clock& clock, Metrics& metrics)
    : options_(std::move(options)),
      files_(files),
      clock_(clock),
      metrics_(metrics),
      counters_(metrics),
      queues_(options_.routes.size()) {
  RegisterMetrics();
}

Log::Surroundings LogStore::Around(Duration now, Duration since) {
  return {files_, counters_, now, clock_.Wall() - since};
}

void LogStore::Restore(const CheckpointState& state) {
  const std::lock_guard lock(mutex_);
  for (const LogState& log : state.logs) {
    restored_[{log.directory, log.restart}] = log;
    for (const ReaderState& reader : log.readers) known_routes_.insert(reader.route);
  }
}

Log& LogStore::LogOf(const std::string& directory, uint32_t restart) {
  const auto [it, fresh] = by_name_.try_emplace({directory, restart}, next_handle_);
  if (!fresh) return *logs_.at(it->second);
  auto log = std::make_unique<Log>(next_handle_, directory, restart);
  const auto stored = restored_.find({directory, restart});
  if (stored != restored_.end()) log->Restore(stored->second);
  return *(logs_[next_handle_++] = std::move(log));
}

void LogStore::Reconcile(const LogDirectory& directory, const std::vector<LogFiles>& logs) {
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  const std::string& name = directory.name;
  if (!logs.empty()) pods_[name] = directory.pod;
  const auto known = pods_.find(name);
  const PodInfo& pod = known == pods_.end() ? directory.pod : known->second;
  const LogFiles gone;
  std::map<uint32_t, const LogFiles*> per_restart;
  for (const LogFiles& files : logs) per_restart[files.restart] = &files;
  // What is known of this directory but no longer shown is reconciled too, with nothing.
  for (auto it = by_name_.lower_bound({name, 0}); it != by_name_.end() && it->first.first == name;
       ++it) {
    per_restart.try_emplace(it->first.second, &gone);
  }
  for (auto it = restored_.lower_bound({name, 0}); it != restored_.end() && it->first.first == name;
       ++it) {
    per_restart.try_emplace(it->first.second, &gone);
  }
  for (const auto& [restart, files] : per_restart) {
    Log& log = LogOf(name, restart);
    if (files != &gone) {
      log.format = files->format;
      log.path = files->path;
    }
    log.Reconcile(files->segments, Around(now, directory.since));
    Introduce(log, pod, directory.first_look);
    restored_.erase({name, restart});
    MarkAllReady(log, now);
  }
}

// Gives a log its identity and its readers as soon as its first line is there, and what has been
// learnt of its container since.
void LogStore::Introduce(Log& log, const PodInfo& pod, bool first_look) {
  const bool fresh = log.origin == nullptr;
  if (!log.identified() || (!fresh && log.origin->pod.docker == pod.docker)) return;
  auto origin = fresh ? std::make_shared<Origin>() : std::make_shared<Origin>(*log.origin);
  origin->pod = pod;
  origin->pod.restart_count = log.restart();
  if (pod.docker == nullptr) {
    const Workload workload = WorkloadOf(pod.pod_name, options_.node);
    origin->pod.workload_name = workload.name;
    origin->pod.workload_kind = workload.kind;
  }
  if (fresh) {
    origin->format = log.format;
    origin->path = log.path;
    origin->log_hash = HashOf(origin->pod, log.first_time);
    origin->first_seconds = SecondsOf(log.first_time, log.segments().front().birth);
    origin->own = options_.own_pod == pod.namespace_name + "/" + pod.pod_name;
  }
  log.origin = std::move(origin);
  for (Reader& reader : log.readers) reader.metadata.clear();
  if (!fresh) return;
  AddReaders(log, first_look);
  // What a checkpoint knew of files that are gone is lost; that can only be counted for readers.
  log.SkipMissing(counters_);
}

void LogStore::AddReaders(Log& log, bool first_look) {
  const auto stored = restored_.find({log.directory(), log.restart()});
  const PodInfo& pod = log.origin->pod;
  for (uint32_t route = 0; route < options_.routes.size(); ++route) {
    const RouteConfig& config = options_.routes[route];
    if (!Matches(config.match, pod.namespace_name, pod.pod_name, pod.container_name)) continue;
    Cursor start = StartOf(log, config, first_look);
    if (stored != restored_.end()) {
      for (const ReaderState& state : stored->second.readers) {
        if (state.route == config.name) start = {state.cursor, state.continuing};
      }
    }
    log.readers.emplace_back(route, std::move(start));
    log.readers.back().fresh_since = clock_.Monotonic();
    if (config.stop) break;
  }
  if (log.readers.empty()) {
    no_route_.Add(static_cast<double>(log.BytesAfter({})));
    log::Info("no route matches \"{}\"; its log is not shipped", log.directory());
  }
}

Cursor LogStore::StartOf(const Log& log, const RouteConfig& route, bool first_look) const {
  const bool fresh_route = first_look && !known_routes_.contains(route.name);
  if (route.start == StartAt::kNow && fresh_route) return {log.End(), {}};
  const Segment& first = log.segments().front();
  return {{first.ordinal, first.begin}, {}};
}

void LogStore::Touch(const std::string& directory, uint32_t restart) {
  const std::lock_guard lock(mutex_);
  const auto it = by_name_.find({directory, restart});
  if (it == by_name_.end()) return;
  Log& log = *logs_.at(it->second);
  const Duration now = clock_.Monotonic();
  if (log.origin == nullptr) {
    log.Refresh(Around(now));
    Introduce(log, pods_[directory], /*first_look=*/false);
  }
  MarkAllReady(log, now);
}

std::vector<std::pair<std::string, PodInfo>> LogStore::Directories() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, PodInfo> all = pods_;
  for (const auto& [name, state] : restored_) all.try_emplace(name.first);
  return {all.begin(), all.end()};
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
    queue.due = hurry_ ? now : now + options_.lingers[reader.route()];
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
    if (it != logs_.end()) MarkReady(*it->second, reference.reader, now);
  }
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
  if (!queue.current.empty()) return Duration{0};
  if (!queue.next.empty()) return queue.due;
  return std::nullopt;
}

void LogStore::Refill(Queue& queue, Duration now) {
  if (queue.next.empty() || now < queue.due) return;
  queue.current.insert(queue.current.end(), queue.next.begin(), queue.next.end());
  queue.next.clear();
}

bool LogStore::NextLease(uint32_t route, Lease* lease) {
  {
    const std::lock_guard lock(mutex_);
    const Duration now = clock_.Monotonic();
    RunTimers(now);
    Queue& queue = queues_[route];
    Refill(queue, now);
    bool planned = false;
    while (!planned && !queue.current.empty()) {
      const Reference reference = queue.current.front();
      queue.current.pop_front();
      const auto it = logs_.find(reference.log);
      if (it == logs_.end()) continue;
      Log& log = *it->second;
      Reader& reader = log.readers[reference.reader];
      reader.queued = false;
      log.Refresh(Around(now));
      planned = Plan(log, reader, lease, now);
    }
    if (!planned) return false;
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
  for (Segment* segment = log.Find(at.segment); segment != nullptr;) {
    if (segment->file == nullptr || (!segment->identified() && segment->size > 0)) break;
    at.offset = std::max(at.offset, segment->begin);
    const uint64_t size = std::min(room, segment->size - std::min(segment->size, at.offset));
    const bool ends = at.offset + size >= segment->size;
    const bool final = ends && segment->FinalAt(now);
    if (size > 0) {
      lease->pieces.push_back({segment->ordinal, segment->key, at.offset, {nullptr, size}, final});
      lease->files.push_back(segment->file);
      room -= size;
    }
    more = !ends;
    if (!ends) break;
    if (!final) {
      if (segment->superseded)
        MarkAt(segment->superseded_at + kSupersededGrace, {log.handle(), index});
      break;
    }
    Segment* next = log.Next(segment->ordinal);
    if (next == nullptr) break;
    at = {next->ordinal, next->begin};
    if (lease->pieces.empty()) reader.Skip(at);
    more = next->size > next->begin;
    if (room == 0) break;
    segment = next;
  }
  if (lease->pieces.empty()) {
    const Position before = reader.read().at;
    log.SkipMissing(counters_);
    return reader.read().at != before && Plan(log, reader, lease, now);
  }
  reader.leased = true;
  reader.touched = false;
  lease->log = log.handle();
  lease->route = reader.route();
  lease->begin = reader.read().at;
  lease->origin = log.origin;
  lease->metadata = reader.metadata;
  lease->chunk.before = reader.read().continuing;
  lease->chunk.full = more;
  lease->chunk.close_open =
      reader.has_open && now - reader.open_since >= options_.open_record_delay_max;
  return true;
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
    const Result<size_t> count = lease->files[i]->ReadAt(piece.offset, out, wanted);
    if (!count) log::Warn("{}; it will be tried again", count.error().message);
    const size_t size = count ? *count : 0;
    piece.data = {out, size};
    out += size;
    ++used;
    if (size == wanted || PlantedBug(Bug::kShortReadPassedOver)) continue;
    // Cut shorter behind our back, or unreadable: what is there is taken, the rest is seen at the
    // next look.
    piece.last = false;
    lease->chunk.full = false;
    break;
  }
  lease->pieces.resize(used);
  lease->chunk.pieces = lease->pieces;
}

void LogStore::Commit(const Lease& lease, const Decoded& decoded, std::span<Slice*> slices) {
  const std::lock_guard lock(mutex_);
  Log& log = *logs_.at(lease.log);
  const auto found =
      std::find_if(log.readers.begin(), log.readers.end(),
                   [&](const Reader& reader) { return reader.route() == lease.route; });
  Reader& reader = *found;
  const Duration now = clock_.Monotonic();
  const auto index = static_cast<uint32_t>(found - log.readers.begin());
  reader.leased = false;
  if (lease.origin == log.origin) reader.metadata = lease.metadata;
  for (Slice* slice : slices) {
    slice->ticket = next_ticket_++;
    reader.Advance(slice->ticket, {slice->end, slice->after});
  }
  const bool moved = decoded.consumed != lease.begin;
  reader.caught_up = !lease.chunk.full;
  if (reader.caught_up && !decoded.has_open) reader.fresh_since = now;
  if (decoded.has_open && (moved || !reader.has_open)) reader.open_since = now;
  reader.has_open = decoded.has_open;
  if (reader.has_open)
    MarkAt(reader.open_since + options_.open_record_delay_max, {log.handle(), index});
  const ChunkPiece& last = lease.pieces.back();
  const bool to_next = last.last && log.Next(last.segment) != nullptr;
  if (moved && (lease.chunk.full || to_next)) {
    reader.queued = true;
    queues_[lease.route].current.push_back({log.handle(), index});
  } else if (reader.touched) {
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
    for (Reader& reader : log.readers) {
      if (reader.route() != slice.route || !reader.Settle(slice.ticket)) continue;
      CountSettled(slice);
      reader.settled_lines += slice.records;
      reader.settled_bytes += slice.acknowledged_bytes + slice.rejected_bytes + slice.corrupt_bytes;
      if (!reader.idle()) continue;
      const Position before = reader.read().at;
      log.SkipMissing(counters_);
      const auto index = static_cast<uint32_t>(&reader - log.readers.data());
      if (reader.read().at != before) MarkReady(log, index, clock_.Monotonic());
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
    std::vector<Reader>& readers = it->second->readers;
    for (uint32_t i = 0; i < readers.size(); ++i) {
      if (readers[i].route() != slice.route || !readers[i].Forget(slice.ticket)) continue;
      MarkReady(*it->second, i, now);
    }
  }
}

bool LogStore::Drained() const {
  const std::lock_guard lock(mutex_);
  // A reader at the end of a file that was just rotated waits for its writer's last lines; what is
  // in the next file comes after that.
  const bool soon =
      !timers_.empty() && timers_.begin()->first <= clock_.Monotonic() + kSupersededGrace;
  return !soon && std::all_of(queues_.begin(), queues_.end(), [](const Queue& queue) {
    return queue.current.empty() && queue.next.empty();
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
  CheckpointState state;
  std::vector<std::string> names;
  for (const RouteConfig& route : options_.routes) names.push_back(route.name);
  for (const auto& [handle, log] : logs_) {
    if (log->origin != nullptr) state.logs.push_back(log->State(names));
  }
  for (const auto& [name, log] : restored_) state.logs.push_back(log);
  dirty_ = false;
  return state;
}

void LogStore::Prune() {
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  for (auto it = logs_.begin(); it != logs_.end();) {
    Log& log = *it->second;
    const bool busy = std::any_of(log.readers.begin(), log.readers.end(),
                                  [](const Reader& reader) { return reader.leased; });
    if (busy || !log.Prune(now, counters_)) {
      ++it;
      continue;
    }
    const LogStatus last = StatusOf(log, now);
    gone_lines_ += last.lines;
    gone_bytes_ += last.bytes;
    by_name_.erase({log.directory(), log.restart()});
    const auto same = by_name_.lower_bound({log.directory(), 0});
    if (same == by_name_.end() || same->first.first != log.directory())
      pods_.erase(log.directory());
    it = logs_.erase(it);
    dirty_ = true;
  }
}

}  // namespace hinomi
