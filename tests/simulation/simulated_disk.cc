#include "tests/simulation/simulated_disk.h"

#include <algorithm>

#include "base/check.h"

namespace hinomi::simulation {
namespace {

constexpr Duration kTimeStep = std::chrono::milliseconds(4);  // of a kernel's file times

Duration FileTime(const Clock& clock) { return clock.Wall() / kTimeStep * kTimeStep; }

}  // namespace

std::string DirectoryOf(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

SimulatedDisk::SimulatedDisk(const Clock& clock, std::string agent_root)
    : clock_(clock), agent_root_(std::move(agent_root)) {}

bool SimulatedDisk::OfAgent(const std::string& path) const {
  return path.starts_with(agent_root_ + "/");
}

InodePointer SimulatedDisk::Find(const std::string& path) const {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : found->second;
}

std::vector<DirectoryEntry> SimulatedDisk::List(const std::string& path) const {
  std::vector<DirectoryEntry> entries;
  const std::string below = path + "/";
  for (auto it = names_.lower_bound(below); it != names_.end() && it->first.starts_with(below);
       ++it) {
    const std::string_view name = std::string_view(it->first).substr(below.size());
    if (name.find('/') == std::string_view::npos) {
      entries.push_back({std::string(name), it->second->kind});
    }
  }
  return entries;
}

std::vector<std::string> SimulatedDisk::Names(const std::string& path) const {
  std::vector<std::string> found;
  const std::string below = path + "/";
  for (auto it = names_.lower_bound(below); it != names_.end() && it->first.starts_with(below);
       ++it) {
    if (it->second->kind == FileKind::kRegular) found.push_back(it->first);
  }
  return found;
}

void SimulatedDisk::Told(const std::string& path, bool names) const {
  if (on_event) on_event({DirectoryOf(path), NameOf(path), names});
}

void SimulatedDisk::Put(const std::string& path, const InodePointer& inode) {
  names_[path] = inode;
  ++inode->links;
  Told(path, true);
}

void SimulatedDisk::Drop(const std::string& path) {
  const auto found = names_.find(path);
  CHECK(found != names_.end());
  const InodePointer inode = found->second;
  names_.erase(found);
  --inode->links;
  Told(path, true);
  Released(inode);
}

void SimulatedDisk::Released(const InodePointer& inode) {
  if (inode->links > 0 || inode->descriptors > 0) return;
  free_numbers_.insert(inode->number);
  if (on_death) on_death(*inode);
}

void SimulatedDisk::Closed(const InodePointer& inode) {
  CHECK(inode->descriptors > 0);
  --inode->descriptors;
  Released(inode);
}

void SimulatedDisk::MakeDirectories(const std::string& path) {
  if (path.empty() || Find(path) != nullptr) return;
  MakeDirectories(DirectoryOf(path));
  Make(path, FileKind::kDirectory);
}

InodePointer SimulatedDisk::Make(const std::string& path, FileKind kind) {
  CHECK(Find(path) == nullptr);
  auto inode = std::make_shared<Inode>();
  if (free_numbers_.empty()) {
    inode->number = next_number_++;
  } else {
    inode->number = *free_numbers_.begin();
    free_numbers_.erase(free_numbers_.begin());
  }
  inode->identity = next_identity_++;
  inode->kind = kind;
  inode->of_agent = OfAgent(path);
  inode->modified = FileTime(clock_);
  if (has_births) inode->birth = inode->modified;
  Put(path, inode);
  return inode;
}

void SimulatedDisk::Write(const InodePointer& inode, uint64_t offset, std::string_view bytes) {
  const size_t end = offset + bytes.size();
  if (inode->content.size() < end) inode->content.resize(end);
  inode->content.replace(offset, bytes.size(), bytes);
  inode->modified = FileTime(clock_);
  for (const auto& [path, named] : names_) {
    if (named == inode) Told(path, false);
  }
}

void SimulatedDisk::Truncate(const InodePointer& inode, uint64_t size) {
  inode->content.resize(size);
  Write(inode, size, "");
}

void SimulatedDisk::Link(const InodePointer& inode, const std::string& path) {
  CHECK(Find(path) == nullptr);
  Put(path, inode);
}

void SimulatedDisk::Rename(const std::string& from, const std::string& to) {
  const InodePointer inode = Find(from);
  CHECK(inode != nullptr && inode->kind == FileKind::kRegular);
  if (Find(to) != nullptr) Drop(to);
  Put(to, inode);
  Drop(from);
}

void SimulatedDisk::Remove(const std::string& path) { Drop(path); }

void SimulatedDisk::RemoveTree(const std::string& path) {
  const std::string below = path + "/";
  std::vector<std::string> all;
  for (auto it = names_.lower_bound(below); it != names_.end() && it->first.starts_with(below);
       ++it) {
    all.push_back(it->first);
  }
  std::reverse(all.begin(), all.end());
  for (const std::string& name : all) Drop(name);
  Drop(path);
}

void SimulatedDisk::SyncDirectory(const std::string& path) {
  const std::string below = path + "/";
  const auto inside = [&](const std::string& name) {
    return name.starts_with(below) && name.find('/', below.size()) == std::string::npos;
  };
  std::erase_if(synced_names_, [&](const auto& entry) { return inside(entry.first); });
  for (auto it = names_.lower_bound(below); it != names_.end() && it->first.starts_with(below);
       ++it) {
    if (inside(it->first)) synced_names_.insert(*it);
  }
}

// A prefix of the new bytes may have reached the disk, or only the size, or nothing.
std::string SimulatedDisk::Torn(const Inode& inode, Random& random) const {
  switch (random.Below(4)) {
    case 0:
      return inode.content;
    case 1:
      return inode.synced;
    case 2: {
      std::string mixed = inode.synced;
      const size_t reached = random.Below(inode.content.size() + 1);
      mixed.resize(std::max(mixed.size(), reached));
      return mixed.replace(0, reached, inode.content, 0, reached);
    }
    default: {
      std::string zeros = inode.synced;
      zeros.resize(inode.content.size(), '\0');
      return zeros;
    }
  }
}

void SimulatedDisk::CutPower(Random& random) {
  std::set<std::string> unsure;
  for (const auto& [path, inode] : names_) {
    if (!OfAgent(path)) continue;
    const auto synced = synced_names_.find(path);
    if (synced == synced_names_.end() || synced->second != inode) unsure.insert(path);
  }
  for (const auto& [path, inode] : synced_names_) {
    if (Find(path) != inode) unsure.insert(path);
  }
  for (const std::string& path : unsure) {
    if (random.Chance(50)) continue;  // as it is now
    if (const InodePointer now = Find(path); now != nullptr) {
      now->kind == FileKind::kDirectory ? RemoveTree(path) : Drop(path);
    }
    const auto synced = synced_names_.find(path);
    // What is dead cannot come back: its number may be another's by now.
    const bool back = synced != synced_names_.end() && synced->second->links > 0;
    if (back && Find(DirectoryOf(path)) != nullptr) Put(path, synced->second);
  }
  synced_names_.clear();
  for (const auto& [path, inode] : names_) {
    if (!OfAgent(path)) continue;
    synced_names_[path] = inode;
    if (!inode->of_agent || inode->content == inode->synced) continue;
    inode->content = Torn(*inode, random);
    inode->synced = inode->content;
  }
}

}  // namespace hinomi::simulation
