#include "shipper/source/directory_source.h"

#include <algorithm>
#include <thread>

#include "base/logging.h"
#include "metadata/docker_path.h"

namespace hinomi {
namespace {

// The watches tell what happens; this finds what they did not. 40 us of CPU for each container.
constexpr Duration kSweepEvery = std::chrono::seconds(120);
constexpr Duration kSweepEveryUnwatched = std::chrono::seconds(1);
// Events are taken together in steps of this, so that a busy node costs a hundred wake-ups a second
// and not one a line.
constexpr Duration kEventStep = std::chrono::milliseconds(10);
constexpr Duration kRootWait = std::chrono::milliseconds(500);
constexpr int kLooksMax = 5;

std::string Join(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

bool SameFiles(const std::vector<LogFiles>& a, const std::vector<LogFiles>& b) {
  const auto same_segment = [](const SegmentEntry& x, const SegmentEntry& y) {
    return x.name == y.name && x.stat.inode == y.stat.inode && x.stat.birth == y.stat.birth;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](const LogFiles& x, const LogFiles& y) {
                      return x.restart == y.restart &&
                             std::equal(x.segments.begin(), x.segments.end(), y.segments.begin(),
                                        y.segments.end(), same_segment);
                    });
}

}  // namespace

DirectorySource::DirectorySource(Options options, Parts parts,
                                 std::unique_ptr<DirectoryWatcher> watcher)
    : options_(std::move(options)),
      parts_(parts),
      watcher_(std::move(watcher)),
      degraded_(watcher_ == nullptr),
      not_ready_("\"" + options_.root + "\" has not been looked at yet"),
      overflows_(parts.metrics.CounterOf(
          "hinomi_watch_overflows_total",
          "Times that the kernel dropped file events; all was looked at again.")),
      refused_total_(parts.metrics.CounterOf(
          "hinomi_log_links_refused_total",
          "Log files that are links to a place that is not allowed, or no files.")),
      watches_gauge_(parts.metrics.GaugeOf("hinomi_watches", "Directories that are watched.")),
      degraded_gauge_(parts.metrics.GaugeOf("hinomi_watch_degraded",
                                            "Sources of logs whose directories cannot all be "
                                            "watched and are polled instead.")) {}

std::string DirectorySource::NotReady() const {
  const std::lock_guard lock(mutex_);
  return not_ready_;
}

Duration DirectorySource::SweepEvery() const {
  return degraded_ ? kSweepEveryUnwatched : kSweepEvery;
}

int DirectorySource::DepthOf(const std::string& directory) const {
  return directory.empty()
             ? 0
             : 1 + static_cast<int>(std::count(directory.begin(), directory.end(), '/'));
}

bool DirectorySource::IsOwnName(const std::string& name) const {
  return options_.name_prefix.empty() ? !name.starts_with('/')
                                      : name.starts_with(options_.name_prefix);
}

std::string DirectorySource::AsTheNodeSees(const Place& place) const {
  const size_t host_root_bytes = options_.host_root == "/" ? 0 : options_.host_root.size();
  return place.root.substr(host_root_bytes) + "/" + place.path;
}

bool DirectorySource::OpenRoot() {
  Result<std::string> root = files().Resolve(options_.host_root, options_.root);
  const Result<std::vector<DirectoryEntry>> listed =
      root ? files().List(*root, "") : Result<std::vector<DirectoryEntry>>(root.error());
  const std::lock_guard lock(mutex_);
  if (!listed) {
    if (not_ready_ != listed.error().message)
      log::Warn("waiting for logs: {}", listed.error().message);
    not_ready_ = listed.error().message;
    return false;
  }
  root_ = *root;
  not_ready_.clear();
  return true;
}

// It was replaced or unmounted: begin anew.
void DirectorySource::CloseRoot(const std::string& why) {
  for (const auto& [watch, directory] : watches_) watcher_->Remove(watch);
  watches_.clear();
  root_.clear();
  const std::lock_guard lock(mutex_);
  not_ready_ = why;
}

// Again, too: the kernel gives one directory one watch.
void DirectorySource::Watch(const std::string& path, const std::string& directory) {
  if (watcher_ == nullptr) return;
  const Result<int> watch = watcher_->Add(path);
  if (watch) {
    watches_[*watch] = directory;
    return;
  }
  if (!files().List(path, "")) return;  // no directory, or gone again
  log::Warn("{}; its logs are looked at once a second instead", watch.error().message);
  degraded_ = true;
}

void DirectorySource::WatchAlso(const Place& elsewhere, const std::string& directory) {
  Watch(elsewhere.root + "/" + elsewhere.path, directory);
}

void DirectorySource::Sweep() {
  if (root_.empty() && !OpenRoot()) return;
  SweepAll();
}

void DirectorySource::SweepAll() {
  swept_at_ = parts_.clock.Monotonic();
  degraded_ = watcher_ == nullptr;
  Watch(root_, "");
  const Result<std::vector<DirectoryEntry>> listed = files().List(root_, "");
  if (!listed) return CloseRoot(listed.error().message);
  ScanEntries("", *listed);
  // What was known before a restart, or went unseen, and is no longer there.
  for (const std::string& name : parts_.store.Directories()) {
    if (!IsOwnName(name)) continue;
    const std::string directory = name.substr(options_.name_prefix.size());
    if (Wanted(directory) && !files().Stat(root_, directory)) ScanLogs(directory);
  }
  if (std::exchange(first_look_, false)) parts_.store.Looked();
  watches_gauge_.Set(static_cast<double>(watches_.size()));
  degraded_gauge_.Set(degraded_ ? 1 : 0);
}

void DirectorySource::Scan(const std::string& directory) {
  if (!Wanted(directory)) return;
  const Result<FileStat> stat = files().Stat(root_, directory);
  if (stat && stat->kind == FileKind::kLink) return Refuse({root_, directory});
  if (stat && stat->kind == FileKind::kDirectory) Watch(root_ + "/" + directory, directory);
  if (DepthOf(directory) == options_.depth) return ScanLogs(directory);
  const Result<std::vector<DirectoryEntry>> listed = files().List(root_, directory);
  if (listed) ScanEntries(directory, *listed);
}

void DirectorySource::ScanEntries(const std::string& directory,
                                  const std::vector<DirectoryEntry>& entries) {
  for (const DirectoryEntry& entry : entries) {
    const bool may_hold_logs = entry.kind == FileKind::kDirectory || entry.kind == FileKind::kLink;
    if (may_hold_logs) Scan(Join(directory, entry.name));
  }
}

// Names that change hands while they are listed would show one file twice and another not at all:
// what is seen counts when it is seen twice.
void DirectorySource::ScanLogs(const std::string& directory) {
  std::optional<Found> before;
  for (int look = 0; look < kLooksMax; ++look) {
    const Result<std::vector<DirectoryEntry>> listed = files().List(root_, directory);
    // Out of descriptors, say: nothing is known, which is not the same as nothing being there.
    if (!listed && files().Exists(root_ + "/" + directory)) {
      unclear_.insert(directory);
      return;
    }
    std::optional<Found> found = Look(directory, listed ? *listed : std::vector<DirectoryEntry>{});
    if (!found) {
      if (std::exchange(unsure_, false)) unclear_.insert(directory);
      return;
    }
    if (before && SameFiles(before->logs, found->logs)) {
      return Reconcile(directory, std::move(*found));
    }
    before = std::move(found);
  }
  unclear_.insert(directory);
}

void DirectorySource::Reconcile(const std::string& directory, Found found) {
  const bool complete =
      parts_.store.Reconcile({options_.name_prefix + directory, AsTheNodeSees({root_, directory}),
                              std::move(found.pod), options_.since, first_look_},
                             found.logs);
  if (!complete) unclear_.insert(directory);
}

void DirectorySource::Refuse(const Place& place) {
  const std::string path = place.root + "/" + place.path;
  if (!refused_.insert(path).second) return;
  refused_total_.Add();
  log::Warn(
      "cannot read \"{}\": not a regular file, nor a link to one below a configured directory",
      path);
}

bool DirectorySource::Find(const Place& directory, const DirectoryEntry& entry,
                           std::optional<SegmentEntry>* found) {
  const Place file{directory.root, Join(directory.path, entry.name)};
  std::optional<Place> place;
  if (entry.kind == FileKind::kRegular) place = file;
  if (entry.kind == FileKind::kLink) {
    place =
        FollowLink(files(), {options_.host_root, root_, options_.link_roots}, AsTheNodeSees(file));
  }
  if (!place) {
    Refuse(file);
    return true;
  }
  const Result<FileStat> stat = files().Stat(place->root, place->path);
  if (!stat && files().Exists(place->root + "/" + place->path)) {
    unsure_ = true;
    return false;
  }
  if (!stat) return true;
  if (stat->kind == FileKind::kRegular) *found = {entry.name, place->root, place->path, *stat};
  return true;
}

bool DirectorySource::FindJsonLogs(const Place& directory,
                                   const std::vector<DirectoryEntry>& entries, LogFiles* log) {
  const std::string id = directory.path.substr(directory.path.rfind('/') + 1);
  std::vector<std::pair<uint32_t, SegmentEntry>> segments;  // by rotation
  for (const DirectoryEntry& entry : entries) {
    const std::optional<JsonLogFile> file = ParseJsonLogFile(entry.name, id);
    if (!file) continue;
    std::optional<SegmentEntry> segment;
    if (!Find(directory, entry, &segment)) return false;
    if (!segment) continue;
    segment->compressed = file->compressed;
    segments.emplace_back(file->rotation, std::move(*segment));
  }
  std::sort(segments.begin(), segments.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second.compressed < b.second.compressed;
  });
  log->format = LogFormat::kJsonFile;
  for (auto& [rotation, segment] : segments) log->segments.push_back(std::move(segment));
  return true;
}

void DirectorySource::Handle(const std::vector<WatchEvent>& events) {
  std::set<std::string> scans;
  bool everything = false;
  for (const WatchEvent& event : events) {
    if (event.kind == WatchEvent::Kind::kOverflow) {
      overflows_.Add();
      everything = true;
      continue;
    }
    const auto it = watches_.find(event.watch);
    if (it == watches_.end()) continue;
    const std::string directory = it->second;
    const bool holds_logs = DepthOf(directory) == options_.depth;
    if (event.kind == WatchEvent::Kind::kGone) {
      watches_.erase(it);
      if (directory.empty()) everything = true;
      if (holds_logs) scans.insert(directory);
    } else if (event.kind == WatchEvent::Kind::kModified) {
      const std::optional<uint32_t> restart =
          holds_logs ? RestartOf(directory, event.name) : std::nullopt;
      if (restart) parts_.store.Touch(options_.name_prefix + directory, *restart);
    } else {
      scans.insert(holds_logs ? directory : Join(directory, event.name));
    }
  }
  if (everything) return SweepAll();
  for (const std::string& directory : scans) Scan(directory);
  watches_gauge_.Set(static_cast<double>(watches_.size()));
}

void DirectorySource::RetryUnclear() {
  const Duration now = parts_.clock.Monotonic();
  if (unclear_.empty() || now - retried_at_ < kSweepEveryUnwatched) return;
  retried_at_ = now;
  for (const std::string& directory : std::exchange(unclear_, {})) Scan(directory);
}

void DirectorySource::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Duration pause = Step();
    if (pause > Duration{0}) std::this_thread::sleep_for(pause);
  }
}

Duration DirectorySource::Step() {
  std::vector<WatchEvent> events;
  if (root_.empty()) Sweep();
  if (root_.empty()) {
    if (watcher_ == nullptr) return kRootWait;
    watcher_->Wait(kRootWait, &events);
    return Duration{0};
  }
  const Duration next = swept_at_ + SweepEvery() - parts_.clock.Monotonic();
  if (next <= Duration{0}) SweepAll();
  RetryUnclear();
  const Duration wait = std::clamp<Duration>(next, Duration{0}, std::chrono::seconds(1));
  if (watcher_ == nullptr) return std::min<Duration>(wait, std::chrono::milliseconds(200));
  watcher_->Wait(wait, &events);
  Handle(events);
  if (!events.empty()) return kEventStep;
  // As long as files below it are open its watch does not tell.
  if (!files().Exists(root_)) SweepAll();
  return Duration{0};
}

void DirectorySource::Interrupt() {
  if (watcher_ != nullptr) watcher_->Interrupt();
}

}  // namespace hinomi
