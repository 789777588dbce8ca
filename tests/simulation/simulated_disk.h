// A disk in memory: inodes, whose numbers are given out again at once, and names. It knows what a
// power cut would leave of it. The kubelet of the simulation acts on it directly; the agent through
// SimulatedFileSystem, which adds descriptors and faults.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/filesystem.h"
#include "tests/simulation/random.h"

namespace hinomi::simulation {

struct Inode {
  uint64_t number = 0;
  uint64_t identity = 0;  // never given out again, as its number is
  FileKind kind = FileKind::kRegular;
  std::string content;  // of a link: its target
  std::string synced;   // content that survives a power cut
  Duration birth{0};
  Duration modified{0};
  uint64_t links = 0;
  uint64_t descriptors = 0;  // of the agent
  bool of_agent = false;     // its content has to be synced, as names below the agent's root
};
using InodePointer = std::shared_ptr<Inode>;

/// What happens to a disk, for a watcher.
struct DiskEvent {
  std::string directory;
  std::string name;
  bool names = false;  // the name came or went; else what it names was written to
};

class SimulatedDisk {
 public:
  /// Names below `agent_root` have to be synced to survive a power cut; everything else does so by
  /// itself.
  SimulatedDisk(const Clock& clock, std::string agent_root);

  /// Null when there is none. Follows no links.
  InodePointer Find(const std::string& path) const;
  std::vector<DirectoryEntry> List(const std::string& path) const;
  /// Of all files below.
  std::vector<std::string> Names(const std::string& path) const;

  /// Also makes what is missing of the way there.
  void MakeDirectories(const std::string& path);
  /// `path` must be free, and its directory there.
  InodePointer Make(const std::string& path, FileKind kind);
  void Write(const InodePointer& inode, uint64_t offset, std::string_view bytes);
  void Truncate(const InodePointer& inode, uint64_t size);
  void Link(const InodePointer& inode, const std::string& path);
  /// Replaces what is there.
  void Rename(const std::string& from, const std::string& to);
  /// Of a file or an empty directory.
  void Remove(const std::string& path);
  void RemoveTree(const std::string& path);

  void Sync(const InodePointer& inode) { inode->synced = inode->content; }
  void SyncDirectory(const std::string& path);
  /// Leaves of what was not synced some of the new, some of the old.
  void CutPower(Random& random);

  void Opened(const InodePointer& inode) { ++inode->descriptors; }
  void Closed(const InodePointer& inode);

  /// Called with an inode whose last name and descriptor are gone.
  std::function<void(const Inode&)> on_death;
  std::function<void(const DiskEvent&)> on_event;
  bool has_births = true;

 private:
  void Put(const std::string& path, const InodePointer& inode);
  void Drop(const std::string& path);
  void Released(const InodePointer& inode);
  void Told(const std::string& path, bool names) const;
  bool OfAgent(const std::string& path) const;
  std::string Torn(const Inode& inode, Random& random) const;

  const Clock& clock_;
  const std::string agent_root_;
  std::map<std::string, InodePointer> names_;
  std::map<std::string, InodePointer> synced_names_;  // of the agent's
  std::set<uint64_t> free_numbers_;
  uint64_t next_number_ = 2;
  uint64_t next_identity_ = 1;
};

std::string DirectoryOf(const std::string& path);
std::string NameOf(const std::string& path);

}  // namespace hinomi::simulation
