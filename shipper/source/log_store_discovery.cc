// Which logs there are, who they are, and who reads them.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <optional>

#include "base/logging.h"
#include "config/glob.h"
#include "metadata/docker_path.h"
#include "metadata/pod_path.h"
#include "metadata/pod_wishes.h"
#include "metadata/workload.h"
#include "shipper/source/log_store.h"
#include "shipper/source/route_choice.h"

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

uint64_t HashOf(const Origin& origin, const std::string& first_time) {
  const PodInfo& pod = origin.pod;
  std::string identity = origin.events ? std::string(kEventsPrefix) + pod.pod_uid : pod.pod_uid;
  // docker's containers are told apart by their ids, and get new names.
  const std::string name = pod.docker == nullptr ? pod.container_name : "";
  for (const std::string& part : {name, std::to_string(pod.restart_count), first_time}) {
    identity += '\0';
    identity += part;
  }
  return Hash64Of(identity);
}

}  // namespace

void LogStore::Restore(const CheckpointState& state) {
  const std::lock_guard lock(mutex_);
  if (state.fell_back) vanished_ = LossReason::kUnknown;
  epoch_seconds_ = state.epoch_seconds;
  if (epoch_seconds_ == 0) {
    epoch_seconds_ = std::chrono::duration_cast<std::chrono::seconds>(clock_.Wall()).count();
  }
  for (const LogState& log : state.logs) {
    restored_[{log.directory, log.restart}] = {log, true, {}};
  }
  for (const RouteConfig& route : routes_.by_index()) {
    const bool known =
        std::find(state.routes.begin(), state.routes.end(), route.name) != state.routes.end();
    if (known) known_routes_.insert(route.name);
  }
  for (const GoneState& gone : state.gone) {
    gone_[{gone.namespace_name, routes_.IndexOf(gone.route)}] = {gone.produced_bytes, gone.settled};
  }
  AddQueues();
  escrow_.Probe();
  for (HeldFile& held : escrow_.Scan()) {
    Stored& stored = restored_[{held.name.directory, held.name.restart}];
    stored.state.directory = held.name.directory;
    stored.state.restart = held.name.restart;
    stored.held.push_back(std::move(held));
  }
}

Log& LogStore::LogOf(const std::string& directory, uint32_t restart) {
  if (const auto known = by_name_.find({directory, restart}); known != by_name_.end()) {
    return *known->second;
  }
  auto log = std::make_unique<Log>(next_handle_, directory, restart);
  const auto stored = restored_.find({directory, restart});
  if (stored != restored_.end()) {
    log->Restore(stored->second.state, std::exchange(stored->second.held, {}),
                 Around(clock_.Monotonic()));
  }
  by_name_[{log->directory(), restart}] = log.get();
  return *(logs_[next_handle_++] = std::move(log));
}

void LogStore::Looked() {
  const std::lock_guard lock(mutex_);
  looked_ = true;
  dirty_ = true;
}

bool LogStore::Reconcile(const LogDirectory& directory, const std::vector<LogFiles>& logs) {
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  const std::string& name = directory.name;
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
  bool complete = true;
  for (const auto& [restart, files] : per_restart) {
    Log& log = LogOf(name, restart);
    if (files != &gone) log.format = files->format;
    if (log.stranger != nullptr) Describe(directory, *files, &log);
    complete = log.Reconcile(files->segments, Around(now, directory.since)) && complete;
    // Where a first line cannot be read yet, its directory has to be looked at again.
    const bool unread = !log.identified() && !log.segments().empty();
    const PodInfo& pod = logs.empty() ? log.pod() : directory.pod;
    if (Introduce(log, pod, directory.first_look) && !unread) restored_.erase({name, restart});
    MarkAllReady(log, now);
  }
  return complete;
}

// Notes what its directory says of a log that has no origin yet; `files` of one that is gone have
// no path.
void LogStore::Describe(const LogDirectory& directory, const LogFiles& files, Log* log) {
  Log::Stranger& stranger = *log->stranger;
  if (files.path.empty() && !stranger.path.empty()) return;
  stranger.pod = directory.pod;
  stranger.pod.restart_count = log->restart();
  stranger.path = files.path;
  if (!files.path.empty()) return;
  // Only the escrow has it: what its name was follows from how it is written.
  stranger.path =
      fmt::format("{}/{}", directory.path,
                  log->format == LogFormat::kCri
                      ? std::to_string(log->restart()) + ".log"
                      : JsonLogName(log->directory().substr(log->directory().rfind('/') + 1)));
}

// Gives a log its identity and its readers as soon as its first line is there, and what has been
// learnt of its container since. False while it waits for what is known of its pod, or for a file
// that may be older than those which are known.
bool LogStore::Introduce(Log& log, const PodInfo& pod, bool first_look) {
  const bool fresh = log.origin == nullptr;
  if (!log.identified() || (!fresh && log.origin->pod.docker == pod.docker)) return true;
  if (fresh && log.unclear()) return false;
  auto origin = fresh ? std::make_shared<Origin>() : std::make_shared<Origin>(*log.origin);
  origin->pod = pod;
  origin->pod.restart_count = log.restart();
  if (pod.docker == nullptr) {
    const Workload workload = WorkloadOf(pod.pod_name, options_.node);
    origin->pod.workload_name = workload.name;
    origin->pod.workload_kind = workload.kind;
  }
  if (fresh && !Enrich(log, &origin->pod, &first_look)) return false;
  if (fresh) {
    origin->events = HoldsEvents(log.directory());
    origin->format = log.format;
    origin->path = log.stranger->path;
    origin->log_hash = HashOf(*origin, log.first_time);
    origin->first_seconds = SecondsOf(log.first_time, log.segments().front().id.birth);
    const auto rule = std::find_if(
        options_.multiline.begin(), options_.multiline.end(), [&](const MultilineConfig& config) {
          return Matches(config.match, pod.namespace_name, pod.pod_name, pod.container_name);
        });
    if (rule != options_.multiline.end()) {
      origin->multiline = static_cast<uint32_t>(rule - options_.multiline.begin());
    }
    origin->own = options_.own_pod == pod.namespace_name + "/" + pod.pod_name;
  }
  log.origin = std::move(origin);
  log.stranger.reset();
  for (Reader& reader : log.readers) reader.metadata.clear();
  if (fresh) AddReaders(log, first_look);
  JoinShares(log, fresh && first_look);
  return true;
}

// Says what its namespace, its pod and it are granted of the reading.
void LogStore::JoinShares(const Log& log, bool forgive) {
  const PodInfo& pod = log.origin->pod;
  const Shares shares = SharesOf(fairness_, pod);
  for (const Reader& reader : log.readers) {
    Scheduler& ready = queues_[reader.route()].ready;
    ready.Join(log.handle(), {pod.namespace_name, pod.pod_name, shares});
    // How fast that was written is not known.
    if (forgive) ready.Forgive(log.handle(), log.BytesAfter(reader.read().at));
  }
}

// Adds what is known of the pod of a log that has no origin yet; false when more will soon be.
bool LogStore::Enrich(Log& log, PodInfo* pod, bool* first_look) {
  if (options_.metadata == nullptr || pod->docker != nullptr) return true;
  const auto wait =
      waiting_.try_emplace(log.handle(), Waiting{clock_.Monotonic(), *first_look}).first;
  MetadataStore::Answer answer = options_.metadata->Ask(
      {pod->pod_uid, pod->container_name, pod->restart_count}, wait->second.since);
  if (answer.wait) return false;
  *first_look = wait->second.first_look;
  waiting_.erase(wait);
  pod->metadata_missing = answer.missing && !HoldsEvents(log.directory());
  hinomi::Enrich(std::move(answer.pod), pod);
  return true;
}

// Tells a log with an origin what has been learnt of its pod since.
void LogStore::Reintroduce(Log& log) {
  const PodInfo& known = log.origin->pod;
  MetadataStore::Answer answer = options_.metadata->Ask(
      {known.pod_uid, known.container_name, known.restart_count}, Duration{0});
  const bool missing = answer.missing && !log.origin->events;
  if (answer.pod == known.metadata && missing == known.metadata_missing) return;
  auto origin = std::make_shared<Origin>(*log.origin);
  origin->pod.metadata_missing = missing;
  hinomi::Enrich(std::move(answer.pod), &origin->pod);
  log.origin = std::move(origin);
  for (Reader& reader : log.readers) reader.metadata.clear();
  JoinShares(log, /*forgive=*/false);
}

void LogStore::MetadataChanged(const std::vector<std::string>& pod_uids) {
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  const std::set<std::string> uids(pod_uids.begin(), pod_uids.end());
  for (const auto& [handle, log] : logs_) {
    if (!uids.contains(log->pod().pod_uid) || log->pod().docker != nullptr) continue;
    if (log->origin != nullptr) {
      Reintroduce(*log);
    } else if (waiting_.contains(handle) && Introduce(*log, log->pod(), false)) {
      restored_.erase({log->directory(), log->restart()});
      MarkAllReady(*log, now);
    }
  }
}

std::set<std::string> LogStore::PodUids() const {
  std::set<std::string> uids;
  for (const std::string& directory : Directories()) {
    std::string_view name = directory;
    if (HoldsEvents(name)) name.remove_prefix(kEventsPrefix.size());
    const auto named = ParsePodDirectory(name.substr(0, name.find('/')));
    if (named) uids.insert(named->pod_uid);
  }
  return uids;
}

Reader LogStore::MakeReader(const Log& log, const TakenRoute& taken, bool first_look) const {
  const auto& [route, levels] = taken;
  const RouteConfig& config = routes_[route];
  const auto stored = restored_.find({log.directory(), log.restart()});
  const auto seen = static_cast<int64_t>(log.seen_bytes());
  if (stored != restored_.end()) {
    for (const ReaderState& state : stored->second.state.readers) {
      if (state.route != config.name) continue;
      Reader reader(route, {state.cursor, state.continuing}, state.settled);
      reader.produced_before = static_cast<int64_t>(state.produced_bytes - log.restored_bytes());
      reader.produced_counted = state.produced_bytes;
      reader.levels = LevelSchedule(state.levels);
      // What was written behind its cursor while no agent ran.
      SettledBytes late;
      late.lost[static_cast<size_t>(LossReason::kLate)] =
          static_cast<uint64_t>(std::max<int64_t>(log.ImbalanceOf(reader), 0));
      reader.Account(late);
      return reader;
    }
  }
  const Cursor start = StartOf(log, config, first_look);
  SettledBytes left_out;
  for (const Segment& segment : log.segments()) {
    if (segment.ordinal < start.at.segment || start.at.offset > segment.begin) continue;
    left_out.dropped[static_cast<size_t>(DropReason::kBeforeSince)] += segment.begin;
  }
  Reader reader(route, start);
  reader.levels = LevelSchedule(levels);
  reader.Account(left_out);
  reader.produced_before = static_cast<int64_t>(log.BytesAfter(start.at) + left_out.Total()) - seen;
  return reader;
}

void LogStore::Adopt(uint32_t route, std::vector<KeptCursor> cursors) {
  const std::lock_guard lock(mutex_);
  Kept& kept = kept_[route];
  kept.adopted_at = clock_.Monotonic();
  kept.cursors.clear();
  for (KeptCursor& cursor : cursors) {
    std::string log = cursor.log;
    kept.cursors.insert_or_assign(std::move(log), std::move(cursor));
  }
  for (const auto& [handle, log] : logs_) {
    for (Reader& reader : log->readers) {
      if (reader.route() == route) AdoptCursor(*log, reader);
    }
  }
  dirty_ = true;
}

// What lies between both was acknowledged, or the sink's cursor would not have come there. It may
// well be behind: what is dropped or lost without a record in between moves the checkpoint's alone.
void LogStore::AdoptCursor(const Log& log, Reader& reader) {
  const auto kept = kept_.find(reader.route());
  if (kept == kept_.end()) return;
  const auto found = kept->second.cursors.find(log.origin->path);
  if (found == kept->second.cursors.end()) {
    if (reader.settled_bytes().acknowledged > 0) CountCursor(reader.route(), "missing");
    return;
  }
  const KeptCursor cursor = std::move(found->second);
  kept->second.cursors.erase(found);
  const auto segment =
      std::find_if(log.segments().begin(), log.segments().end(),
                   [&](const Segment& candidate) { return candidate.key == cursor.segment_key; });
  if (segment == log.segments().end()) return CountCursor(reader.route(), "file_gone");
  const Position to = {segment->ordinal, std::min(cursor.offset, segment->size)};
  if (to <= reader.settled().at) return CountCursor(reader.route(), "behind");
  SettledBytes passed;
  passed.acknowledged = log.BytesAfter(reader.settled().at) - log.BytesAfter(to);
  reader.Pass({to, cursor.continuing}, passed);
  CountCursor(reader.route(), "adopted");
}

void LogStore::CountCursor(uint32_t route, const std::string& outcome) {
  const std::string& name = routes_[route].name;
  Counter counter = metrics_.CounterOf(
      "hinomi_kept_cursors_total",
      "Cursors that a sink keeps itself, by what they were to the checkpoint's at the start.",
      {{"route", name}, {"outcome", outcome}});
  if (outcome == "missing" && counter.Value() == 0) {
    log::Warn(
        "route \"{}\": its sink has no cursor of a log that was delivered before; there the "
        "checkpoint counts",
        name);
  }
  counter.Add();
}

// It grows on, but nobody reads it.
void LogStore::CountNoRoute(Log& log) {
  if (log.origin == nullptr || !log.readers.empty() || log.origin->events) return;
  no_route_.Add(static_cast<double>(log.seen_bytes() - log.unrouted_counted));
  log.unrouted_counted = log.seen_bytes();
}

Cursor LogStore::StartOf(const Log& log, const RouteConfig& route, bool first_look) const {
  const bool fresh_route = first_look && !known_routes_.contains(route.name);
  if (route.start == StartAt::kNow && fresh_route) return {log.End(), {}};
  // What another route has settled may be gone.
  for (const Segment& segment : log.segments()) {
    if (segment.file != nullptr) return {{segment.ordinal, segment.begin}, {}};
  }
  return {log.End(), {}};
}

void LogStore::Touch(const std::string& directory, uint32_t restart) {
  const std::lock_guard lock(mutex_);
  const auto it = by_name_.find({directory, restart});
  if (it == by_name_.end()) return;
  Log& log = *it->second;
  const Duration now = clock_.Monotonic();
  if (log.origin == nullptr) {
    log.Refresh(Around(now));
    if (Introduce(log, log.pod(), /*first_look=*/false)) restored_.erase({directory, restart});
  } else if (log.readers.empty()) {
    log.Refresh(Around(now));
    CountNoRoute(log);
  }
  MarkAllReady(log, now);
}

std::vector<std::string> LogStore::Directories() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  all.reserve(by_name_.size() + restored_.size());
  for (const auto& [name, log] : by_name_) all.emplace_back(name.first);
  for (const auto& [name, stored] : restored_) all.push_back(name.first);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Reader& LogStore::ReaderOf(Log& log, uint32_t route) {
  return *std::find_if(log.readers.begin(), log.readers.end(),
                       [route](const Reader& reader) { return reader.route() == route; });
}

}  // namespace hinomi
