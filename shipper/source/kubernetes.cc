#include "shipper/source/kubernetes.h"

#include <algorithm>
#include <thread>

#include "base/logging.h"
#include "config/glob.h"
#include "metadata/pod_path.h"

namespace hinomi {
namespace {

constexpr Duration kSweepEvery = std::chrono::seconds(60);
constexpr Duration kSweepEveryUnwatched = std::chrono::seconds(1);
// Events are taken together in steps of this, so that a busy node costs a hundred wake-ups a second
// and not one a line.
constexpr Duration kEventStep = std::chrono::milliseconds(10);

std::string Join(const std::string& pod, const std::string& container) {
  return container.empty() ? pod : pod + "/" + container;
}

}  // namespace

KubernetesSource::KubernetesSource(const Config& config, Parts parts,
                                   std::unique_ptr<DirectoryWatcher> watcher)
    : config_(config),
      store_(parts.store),
      files_(parts.files),
      clock_(parts.clock),
      watcher_(std::move(watcher)),
      degraded_(watcher_ == nullptr),
      not_ready_("\"" + config.kubernetes.pods_dir + "\" has not been looked at yet"),
      overflows_(parts.metrics.CounterOf(
          "hinomi_watch_overflows_total",
          "Times that the kernel dropped file events; all was looked at again.")),
      refused_total_(parts.metrics.CounterOf(
          "hinomi_log_links_refused_total",
          "Log files that are links to a place that is not allowed, or no files.")),
      watches_gauge_(parts.metrics.GaugeOf("hinomi_watches", "Directories that are watched.")),
      compressed_(parts.metrics.GaugeOf(
          "hinomi_log_files_ignored", "Log files left alone, by kind.", {{"kind", "compressed"}})),
      temporary_(parts.metrics.GaugeOf("hinomi_log_files_ignored", "Log files left alone, by kind.",
                                       {{"kind", "temporary"}})),
      degraded_gauge_(
          parts.metrics.GaugeOf("hinomi_watch_degraded",
                                "1 when directories could not be watched and are polled instead.")),
      excluded_gauge_(parts.metrics.GaugeOf("hinomi_containers_excluded",
                                            "Containers whose logs the configuration excludes.")) {}

std::string KubernetesSource::NotReady() const {
  const std::lock_guard lock(mutex_);
  return not_ready_;
}

Duration KubernetesSource::SweepEvery() const {
  return degraded_ ? kSweepEveryUnwatched : kSweepEvery;
}

bool KubernetesSource::OpenRoot() {
  const std::string& pods_dir = config_.kubernetes.pods_dir;
  Result<std::string> root = files_.Resolve(config_.host_root, pods_dir);
  const Result<std::vector<DirectoryEntry>> listed =
      root ? files_.List(*root, "") : Result<std::vector<DirectoryEntry>>(root.error());
  const std::lock_guard lock(mutex_);
  if (!listed) {
    if (not_ready_ != listed.error().message)
      log::Warn("waiting for logs: {}", listed.error().message);
    not_ready_ = listed.error().message;
    return false;
  }
  root_ = *root;
  store_.SetRoot(root_);
  not_ready_.clear();
  return true;
}

void KubernetesSource::Watch(const Watched& what) {
  const std::string relative = Join(what.pod, what.container);
  if (watcher_ == nullptr || watch_of_.contains(relative)) return;
  const Result<int> watch = watcher_->Add(relative.empty() ? root_ : root_ + "/" + relative);
  if (!watch) {
    log::Warn("{}; its logs are looked at once a second instead", watch.error().message);
    degraded_ = true;
    return;
  }
  watches_[*watch] = what;
  watch_of_[relative] = *watch;
}

bool KubernetesSource::Excluded(const PodInfo& pod) const {
  return std::any_of(config_.kubernetes.exclude.begin(), config_.kubernetes.exclude.end(),
                     [&](const LogMatch& match) {
                       return Matches(match, pod.namespace_name, pod.pod_name, pod.container_name);
                     });
}

void KubernetesSource::Sweep() {
  if (root_.empty() && !OpenRoot()) return;
  SweepPods();
}

void KubernetesSource::SweepPods() {
  swept_at_ = clock_.Monotonic();
  degraded_ = watcher_ == nullptr;
  Watch({});
  const Result<std::vector<DirectoryEntry>> pods = files_.List(root_, "");
  if (!pods) {  // it was replaced or unmounted: begin anew
    const std::lock_guard lock(mutex_);
    not_ready_ = pods.error().message;
    root_.clear();
    return;
  }
  for (const DirectoryEntry& entry : *pods) {
    if (entry.kind == FileKind::kDirectory) ScanPod(entry.name);
  }
  // What was known before a restart, or went unseen, and is no longer there.
  for (const auto& [directory, pod] : store_.Directories()) {
    if (!files_.Stat(root_, directory)) {
      const size_t slash = directory.find('/');
      ScanContainer(directory.substr(0, slash), directory.substr(slash + 1));
    }
  }
  store_.SetStarted();
  watches_gauge_.Set(static_cast<double>(watches_.size()));
  degraded_gauge_.Set(degraded_ ? 1 : 0);
}

void KubernetesSource::ScanPod(const std::string& pod) {
  if (!ParsePodDirectory(pod)) return;
  Watch({pod, ""});
  const Result<std::vector<DirectoryEntry>> containers = files_.List(root_, pod);
  if (!containers) return;  // gone in the meantime
  for (const DirectoryEntry& entry : *containers) {
    if (entry.kind == FileKind::kDirectory && IsContainerName(entry.name))
      ScanContainer(pod, entry.name);
  }
}

// The file's path below the root if it may be read: a plain file, or a link that stays inside.
std::string KubernetesSource::Admit(const std::string& directory, const DirectoryEntry& entry) {
  const std::string path = directory + "/" + entry.name;
  if (entry.kind == FileKind::kRegular) return path;
  if (entry.kind == FileKind::kLink) {
    const Result<std::string> target =
        files_.Resolve(config_.host_root, config_.kubernetes.pods_dir + "/" + path);
    if (target && target->starts_with(root_ + "/")) return target->substr(root_.size() + 1);
  }
  if (refused_.insert(path).second) {
    refused_total_.Add();
    log::Warn(
        "cannot read \"{}/{}\": not a regular file, nor a link to one below the pods directory",
        root_, path);
  }
  return "";
}

void KubernetesSource::ScanContainer(const std::string& pod, const std::string& container) {
  std::optional<PodInfo> info = ParsePodDirectory(pod);
  if (!info) return;
  info->container_name = container;
  const std::string directory = Join(pod, container);
  if (Excluded(*info)) {
    excluded_.insert(directory);
    excluded_gauge_.Set(static_cast<double>(excluded_.size()));
    return;
  }
  Watch({pod, container});
  const Result<std::vector<DirectoryEntry>> listed = files_.List(root_, directory);
  // Out of descriptors, say: nothing is known, which is not the same as nothing being there.
  if (!listed && files_.Exists(root_ + "/" + directory)) return;
  std::vector<std::pair<LogFile, LogEntry>> found;
  Ignored ignored;
  for (const DirectoryEntry& entry : listed ? *listed : std::vector<DirectoryEntry>{}) {
    const std::optional<LogFile> file = ParseLogFile(entry.name);
    if (!file) continue;
    if (file->kind == LogFileKind::kCompressed) ++ignored.compressed;
    if (file->kind == LogFileKind::kTemporary) ++ignored.temporary;
    if (file->kind != LogFileKind::kCurrent && file->kind != LogFileKind::kRotated) continue;
    const std::string path = Admit(directory, entry);
    if (path.empty()) continue;
    const Result<FileStat> stat = files_.Stat(root_, path);
    if (!stat && files_.Exists(root_ + "/" + path)) return;
    if (!stat || stat->kind != FileKind::kRegular) continue;
    found.push_back({*file, {file->restart_count, {entry.name, path, *stat}}});
  }
  // Oldest first: the rotated ones by the time in their name, then the current one.
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    const bool a_current = a.first.kind == LogFileKind::kCurrent;
    const bool b_current = b.first.kind == LogFileKind::kCurrent;
    return std::tie(a_current, a.first.rotation) < std::tie(b_current, b.first.rotation);
  });
  std::vector<LogEntry> entries;
  for (auto& [file, entry] : found) entries.push_back(std::move(entry));
  store_.Reconcile(directory, *info, std::move(entries));
  Count(directory, ignored);
}

void KubernetesSource::Count(const std::string& directory, Ignored ignored) {
  if (ignored.compressed + ignored.temporary == 0) {
    if (ignored_.erase(directory) == 0) return;
  } else {
    ignored_[directory] = ignored;
  }
  Ignored all;
  for (const auto& [name, count] : ignored_) {
    all.compressed += count.compressed;
    all.temporary += count.temporary;
  }
  compressed_.Set(all.compressed);
  temporary_.Set(all.temporary);
}

void KubernetesSource::Handle(const std::vector<WatchEvent>& events) {
  std::set<std::pair<std::string, std::string>> scans;  // pod, container
  std::set<std::string> pods;
  bool overflow = false;
  for (const WatchEvent& event : events) {
    if (event.kind == WatchEvent::Kind::kOverflow) {
      overflows_.Add();
      overflow = true;
      continue;
    }
    const auto it = watches_.find(event.watch);
    if (it == watches_.end()) continue;
    const Watched watched = it->second;
    if (event.kind == WatchEvent::Kind::kGone) {
      watch_of_.erase(Join(watched.pod, watched.container));
      watches_.erase(it);
      if (watched.pod.empty()) overflow = true;
      if (!watched.container.empty()) scans.insert({watched.pod, watched.container});
    } else if (event.kind == WatchEvent::Kind::kModified) {
      const std::optional<LogFile> file = ParseLogFile(event.name);
      if (file) store_.Touch(Join(watched.pod, watched.container), file->restart_count);
    } else if (watched.pod.empty()) {
      pods.insert(event.name);
    } else if (watched.container.empty()) {
      if (IsContainerName(event.name)) scans.insert({watched.pod, event.name});
    } else {
      scans.insert({watched.pod, watched.container});
    }
  }
  if (overflow) return SweepPods();
  for (const std::string& pod : pods) ScanPod(pod);
  for (const auto& [pod, container] : scans) ScanContainer(pod, container);
}

void KubernetesSource::Run(const std::stop_token& stop) {
  std::vector<WatchEvent> events;
  while (!stop.stop_requested()) {
    if (root_.empty()) {
      Sweep();
      if (root_.empty()) {
        if (watcher_ != nullptr)
          watcher_->Wait(std::chrono::milliseconds(500), &events);
        else
          std::this_thread::sleep_for(std::chrono::milliseconds(500));
        events.clear();
        continue;
      }
    }
    const Duration next = swept_at_ + SweepEvery() - clock_.Monotonic();
    if (next <= Duration{0}) SweepPods();
    const Duration wait = std::clamp<Duration>(next, Duration{0}, std::chrono::seconds(1));
    if (watcher_ == nullptr) {
      std::this_thread::sleep_for(std::min<Duration>(wait, std::chrono::milliseconds(200)));
      continue;
    }
    events.clear();
    watcher_->Wait(wait, &events);
    Handle(events);
    if (!events.empty()) std::this_thread::sleep_for(kEventStep);
  }
}

void KubernetesSource::Interrupt() {
  if (watcher_ != nullptr) watcher_->Interrupt();
}

}  // namespace hinomi
