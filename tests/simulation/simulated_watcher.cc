#include "tests/simulation/simulated_watcher.h"

#include <cerrno>
#include <iterator>
#include <utility>

namespace hinomi::simulation {

Result<int> SimulatedWatcher::Add(const std::string& path) {
  const InodePointer inode = disk_.Find(path);
  if (inode == nullptr) return IoError("watch", path, ENOENT);
  if (inode->kind != FileKind::kDirectory) return IoError("watch", path, ENOTDIR);
  if (const auto known = watches_.find(path); known != watches_.end()) return known->second;
  if (watches_.size() >= limits_.watches_max) return IoError("watch", path, ENOSPC);
  return watches_[path] = next_watch_++;
}

void SimulatedWatcher::Remove(int watch) {
  std::erase_if(watches_, [watch](const auto& entry) { return entry.second == watch; });
}

void SimulatedWatcher::Queue(WatchEvent event) {
  if (events_.size() < limits_.events_max) return events_.push_back(std::move(event));
  if (events_.back().kind == WatchEvent::Kind::kOverflow) return;
  events_.push_back({WatchEvent::Kind::kOverflow, -1, ""});
}

void SimulatedWatcher::On(const DiskEvent& event) {
  using Kind = WatchEvent::Kind;
  if (const auto found = watches_.find(event.directory); found != watches_.end()) {
    Queue({event.names ? Kind::kNames : Kind::kModified, found->second, event.name});
  }
  if (!event.names) return;
  const std::string path = event.directory + "/" + event.name;
  const auto own = watches_.find(path);
  if (own == watches_.end() || disk_.Find(path) != nullptr) return;
  Queue({Kind::kGone, own->second, ""});
  watches_.erase(own);
}

void SimulatedWatcher::Wait(Duration, std::vector<WatchEvent>* events) {
  events->insert(events->end(), std::make_move_iterator(events_.begin()),
                 std::make_move_iterator(events_.end()));
  events_.clear();
}

}  // namespace hinomi::simulation
