// The simulated disk as the agent sees it: with descriptors that a crash drops, faults that chance
// decides on, others who act between two calls, and a crash in the middle of any of them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/filesystem.h"
#include "tests/simulation/random.h"
#include "tests/simulation/simulated_disk.h"

namespace hinomi::simulation {

/// Thrown out of a call: the process is killed there.
struct Killed {};

/// In percent of the calls they can happen to.
struct Faults {
  uint64_t io_error = 0;                  // EIO of reads and syncs
  uint64_t reach_error = 0;               // EIO of what leads to a file
  uint64_t no_space = 0;                  // ENOSPC of writes, after a part of them
  uint64_t short_read = 0;                // fewer bytes than there are
  uint64_t interruption = 0;              // somebody else acts before the call
  uint64_t descriptors_max = UINT64_MAX;  // EMFILE beyond
};

class SimulatedFileSystem final : public FileSystem {
 public:
  SimulatedFileSystem(SimulatedDisk& disk, Random& random) : disk_(disk), random_(random) {}

  Faults faults;
  std::function<void()> interrupt;  // what others do between two calls
  uint64_t space_available = uint64_t{100} << 30;
  /// The agent closed a file that it had kept open beyond the step in which it opened it.
  std::function<void(const Inode&)> on_release;

  /// Begins another step of the agent.
  void BeginStep() {
    ++step_;
    interruptions_ = 0;
  }
  /// The process dies in the call after `calls` more.
  void KillAfter(uint64_t calls) { kill_after_ = calls; }
  void SparesLife() { kill_after_ = kNever; }
  /// The process is dead: its descriptors are gone. `on_held` is told of what it had open.
  void DropDescriptors(const std::function<void(const Inode&)>& on_held);
  /// What the agent has open.
  std::vector<InodePointer> Held() const;

  Result<std::string> Resolve(const std::string& host_root, const std::string& path) override;
  Result<std::vector<DirectoryEntry>> List(const std::string& root,
                                           const std::string& relative) override;
  Result<FileStat> Stat(const std::string& root, const std::string& relative) override;
  Result<std::unique_ptr<File>> Open(const std::string& root, const std::string& relative) override;
  Result<void> MakeDirectories(const std::string& path) override;
  Result<void> MakePrivateDirectory(const std::string& path) override;
  Result<std::string> ReadWhole(const std::string& path, uint64_t bytes_max) override;
  bool Exists(const std::string& path) override;
  Result<void> WriteSynced(const std::string& path, std::string_view content) override;
  Result<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path) override;
  Result<DiskSpace> SpaceOf(const std::string& path) override;
  Result<void> Rename(const std::string& from, const std::string& to) override;
  Result<void> Remove(const std::string& path) override;
  Result<void> SyncDirectory(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  friend class SimulatedFile;
  struct Descriptor {
    InodePointer inode;
    uint64_t opened_in = 0;  // step
  };
  // A sweep would never end if others made files faster than it looks at them.
  static constexpr uint64_t kInterruptionsMax = 12;
  static constexpr uint64_t kNever = UINT64_MAX;

  void BeginCall();
  bool Fails(uint64_t percent) { return percent > 0 && random_.Chance(percent); }
  Result<std::unique_ptr<WritableFile>> OpenInode(const InodePointer& inode,
                                                  const std::string& path);
  Result<void> WriteAt(const InodePointer& inode, uint64_t offset, std::string_view bytes);
  Result<void> Sync(const InodePointer& inode, const std::string& path);
  void Close(uint64_t descriptor);

  SimulatedDisk& disk_;
  Random& random_;
  std::map<uint64_t, Descriptor> descriptors_;
  uint64_t next_descriptor_ = 1;
  uint64_t step_ = 0;
  uint64_t kill_after_ = kNever;
  bool interrupting_ = false;
  uint64_t interruptions_ = 0;  // in this step
};

}  // namespace hinomi::simulation
