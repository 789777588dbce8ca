#include "shipper/event_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/logging.h"
#include "metadata/pod_path.h"

namespace hinomi {
namespace {

constexpr uint64_t kEventsPerWindow = 10;
constexpr Duration kWindow = std::chrono::minutes(1);
constexpr size_t kWindowsMax = 1000;
constexpr Duration kSeenAfter = std::chrono::seconds(10);

std::string DirectoryOf(const PodInfo& pod) {
  return fmt::format("{}_{}_{}/{}", pod.namespace_name, pod.pod_name, pod.pod_uid,
                     pod.container_name);
}

/// Docker allows names that could not be told from a path.
bool HasPath(const PodInfo& pod) {
  const std::string directory = DirectoryOf(pod);
  return pod.docker == nullptr && IsContainerName(pod.container_name) &&
         ParsePodDirectory(directory.substr(0, directory.find('/'))).has_value();
}

std::string ParentOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

PodInfo AgentAsPod(const std::string& own_pod) {
  PodInfo agent;
  agent.namespace_name = "hinomi";
  agent.pod_name = "agent";
  agent.pod_uid = "agent";
  agent.container_name = "hinomi";
  const size_t slash = own_pod.find('/');
  if (slash == std::string::npos) return agent;
  const auto named = ParsePodDirectory(
      fmt::format("{}_{}_{}", own_pod.substr(0, slash), own_pod.substr(slash + 1), agent.pod_uid));
  if (!named) return agent;
  agent.namespace_name = named->namespace_name;
  agent.pod_name = named->pod_name;
  return agent;
}

EventLog::EventLog(Options options, Parts parts)
    : options_(std::move(options)), files_(parts.files), clock_(parts.clock) {
  Metrics& metrics = parts.metrics;
  for (size_t i = 0; i < kEventActions; ++i) {
    const Labels labels = {{"action", std::string(ToString(static_cast<EventAction>(i)))}};
    written_[i] = metrics.CounterOf("hinomi_events_total", "Events written.", labels);
    suppressed_[i] = metrics.CounterOf("hinomi_events_suppressed_total",
                                       "Events left out because there were too many.", labels);
  }
  write_errors_ = metrics.CounterOf("hinomi_events_write_errors_total",
                                    "Events that could not be written; gap records are retried.");
  discarded_ = metrics.CounterOf("hinomi_events_discarded_total",
                                 "Files of events removed at their limit before all was sent.");
  bytes_gauge_ = metrics.GaugeOf("hinomi_events_bytes", "Size of the events on disk.");
  files_gauge_ = metrics.GaugeOf("hinomi_events_files", "Files of events on disk.");
}

Result<void> EventLog::Open() {
  const std::lock_guard lock(mutex_);
  if (auto made = files_.MakePrivateDirectory(options_.directory); !made) return made;
  const auto pods = files_.List(options_.directory, "");
  if (!pods) return pods.error();
  for (const DirectoryEntry& pod : *pods) {
    if (pod.kind != FileKind::kDirectory || !ParsePodDirectory(pod.name)) continue;
    const auto containers = files_.List(options_.directory, pod.name);
    if (!containers) return containers.error();
    for (const DirectoryEntry& container : *containers) {
      if (container.kind == FileKind::kDirectory) Find(pod.name + "/" + container.name);
    }
  }
  ShowSizes();
  return {};
}

void EventLog::Find(const std::string& directory) {
  const auto entries = files_.List(options_.directory, directory);
  if (!entries) return;
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = directory + "/" + entry.name;
    const auto stat = files_.Stat(options_.directory, path);
    if (!stat || stat->kind != FileKind::kRegular || !ParseLogFile(entry.name)) continue;
    stored_[path] = {stat->size, stat->modified};
    bytes_ += stat->size;
  }
}

void EventLog::ShowSizes() {
  bytes_gauge_.Set(static_cast<double>(bytes_));
  files_gauge_.Set(static_cast<double>(stored_.size()));
}

bool EventLog::Suppress(const std::string& directory, EventAction action) {
  if (action == EventAction::kBytesLost) return false;
  const Duration now = clock_.Monotonic();
  if (windows_.size() >= kWindowsMax) {
    std::erase_if(windows_,
                  [&](const auto& window) { return now - window.second.since >= kWindow; });
  }
  Window& window = windows_[{directory, action}];
  if (window.events == 0 || now - window.since >= kWindow) window = {now, 0};
  return ++window.events > kEventsPerWindow;
}

Result<void> EventLog::Append(const PodInfo& about, const Event& event) {
  if (!HasPath(about)) {
    Event told = event;
    told.details.emplace_back("container", about.container_name);
    return Append(options_.agent, told);
  }
  const std::lock_guard lock(mutex_);
  const std::string directory = DirectoryOf(about);
  const auto action = static_cast<size_t>(event.action);
  if (Suppress(directory, event.action)) {
    suppressed_[action].Add();
    return {};
  }
  const Duration at = event.at == Duration{0} ? clock_.Wall() : event.at;
  Result<void> written =
      Write(directory, fmt::format("{}.log", about.restart_count), EventLine(event, at));
  if (written) {
    written_[action].Add();
  } else {
    write_errors_.Add();
  }
  ShowSizes();
  return written;
}

void EventLog::Append(const Event& event) {
  const Result<void> written = Append(options_.agent, event);
  if (!written) log::Warn("{}; the event is not kept: {}", written.error().message, event.message);
}

Result<void> EventLog::Write(const std::string& directory, const std::string& name,
                             std::string_view line) {
  const std::string path = directory + "/" + name;
  const std::string full_path = options_.directory + "/" + path;
  const bool known = stored_.contains(path);
  if (known && stored_[path].bytes + line.size() > options_.file_bytes_max) {
    if (auto rotated = Rotate(path); !rotated) return rotated;
  }
  // Also of a file that is there: who made it may have ended, or failed, before its name was kept.
  const bool is_named = stored_.contains(path) && stored_[path].is_named;
  if (!is_named) {
    for (const std::string& made : {ParentOf(directory), directory}) {
      const Result<void> there = files_.MakePrivateDirectory(options_.directory + "/" + made);
      if (!there) return there;
    }
  }
  const Result<std::unique_ptr<WritableFile>> file = files_.OpenWritable(full_path);
  if (!file) return file.error();
  const Result<FileStat> stat = (*file)->Stat();
  if (!stat) return stat.error();
  // What a crash or a full disk has left of a line must not become the beginning of this one.
  char last = '\n';
  if (stat->size > 0) {
    const Result<size_t> read = (*file)->ReadAt(stat->size - 1, &last, 1);
    if (!read) return read.error();
  }
  const std::string text = (last == '\n' ? "" : "\n") + std::string(line);
  Result<void> written = (*file)->WriteAt(stat->size, text);
  if (written) written = (*file)->Sync();
  if (written && !is_named) {
    written = files_.SyncDirectory(options_.directory + "/" + directory);
  }
  const Result<FileStat> after = (*file)->Stat();
  StoredFile& stored = stored_[path];
  bytes_ -= stored.bytes;
  if (after) stored = {after->size, after->modified};
  stored.is_named = is_named || written;
  bytes_ += stored.bytes;
  return written;
}

Result<void> EventLog::Rotate(const std::string& path) {
  // As the kubelet names them: the reader orders them by it.
  Duration at = std::chrono::floor<std::chrono::seconds>(clock_.Wall());
  std::string rotated;
  do {
    rotated = fmt::format("{}.{:%Y%m%d-%H%M%S}", path,
                          fmt::gmtime(static_cast<time_t>(at / std::chrono::seconds(1))));
    at += std::chrono::seconds(1);
  } while (stored_.contains(rotated));
  const Result<void> renamed =
      files_.Rename(options_.directory + "/" + path, options_.directory + "/" + rotated);
  if (!renamed) return renamed;
  stored_[rotated] = stored_[path];
  stored_.erase(path);
  return {};
}

bool EventLog::Full() const {
  return bytes_ > options_.bytes_max || stored_.size() > options_.files_max;
}

void EventLog::Trim(const std::function<bool(const std::string&, uint32_t)>& settled) {
  struct Candidate {
    bool unsettled;
    Duration modified;
    std::string path;
    auto operator<=>(const Candidate&) const = default;
  };
  const std::lock_guard lock(mutex_);
  if (!Full()) return;
  std::vector<Candidate> candidates;
  for (const auto& [path, file] : stored_) {
    const uint32_t restart = ParseLogFile(NameOf(path)).value_or(LogFile{}).restart_count;
    // What was just written may not have been seen yet.
    const bool fresh = clock_.Wall() - file.modified < kSeenAfter;
    candidates.push_back({fresh || !settled(ParentOf(path), restart), file.modified, path});
  }
  std::sort(candidates.begin(), candidates.end());
  for (const Candidate& candidate : candidates) {
    if (!Full()) break;
    if (candidate.unsettled) discarded_.Add();
    Remove(candidate.path);
  }
  ShowSizes();
}

void EventLog::Remove(const std::string& path) {
  const Result<void> removed = files_.Remove(options_.directory + "/" + path);
  if (!removed && removed.error().code != ENOENT) {
    log::Warn("{}; the events take more than their limit", removed.error().message);
    return;
  }
  bytes_ -= stored_[path].bytes;
  stored_.erase(path);
  // The first directory that is not empty ends this.
  for (std::string left = ParentOf(path); files_.Remove(options_.directory + "/" + left);
       left = ParentOf(left)) {
    if (left.find('/') == std::string::npos) break;
  }
}

}  // namespace hinomi
