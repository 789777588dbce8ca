// The disk as the agent sees it. Everything that reads or writes files goes through FileSystem, so
// that the whole shipper can run over one in memory. The agent is root and reads directories that
// containers can influence, so reading is always "below a root, following no link": a link is
// resolved by hand and only opened when it leads to an allowed place.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace hinomi {

enum class FileKind { kRegular, kDirectory, kLink, kOther };

struct FileStat {
  FileKind kind = FileKind::kOther;
  uint64_t inode = 0;
  uint64_t size = 0;  // bytes
  Duration birth{
      0};  // Unix time; zero where the file system or kernel does not tell (statx, Linux >= 4.11)
  Duration modified{0};          // Unix time
  uint64_t links = 1;            // names it has
  uint64_t allocated_bytes = 0;  // on the disk
};

/// Of the file system that a path lies on, in bytes.
struct DiskSpace {
  uint64_t total = 0;
  uint64_t available = 0;  // to the agent
};

struct DirectoryEntry {
  std::string name;
  FileKind kind = FileKind::kOther;
};

/// An open regular file. Reading is safe from any thread.
class File {
 public:
  virtual ~File() = default;
  /// Reads up to `size` bytes at `offset`; fewer only at the end of the file. Errors: io.
  virtual Result<size_t> ReadAt(uint64_t offset, char* out, size_t size) = 0;
  virtual Result<FileStat> Stat() = 0;
  /// Gives this very file one more name, whatever became of the one it was opened by. Errors: io,
  /// with EXDEV for a path on another mount, EEXIST for a name that is taken.
  virtual Result<void> LinkTo(const std::string& path) = 0;
};

/// An open file of the agent's own. One thread writes at a time.
class WritableFile : public File {
 public:
  /// Writes all of `bytes` at `offset`. Errors: io, any part of them may have been written.
  virtual Result<void> WriteAt(uint64_t offset, std::string_view bytes) = 0;
  virtual Result<void> Truncate(uint64_t size) = 0;
  /// Content and size are on the disk; the file's name is SyncDirectory's.
  virtual Result<void> Sync() = 0;
};

/// Holds an exclusive lock on a file until destroyed; the kernel drops it when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// The path of `path` below `host_root` with every link resolved, absolute targets included, as a
  /// root directory of `host_root` would see it. Errors: io (missing, a loop of links).
  virtual Result<std::string> Resolve(const std::string& host_root, const std::string& path) = 0;

  // `root` is a resolved path; no component of `relative` may be a link (error "is a link").
  virtual Result<std::vector<DirectoryEntry>> List(const std::string& root,
                                                   const std::string& relative) = 0;
  virtual Result<FileStat> Stat(const std::string& root, const std::string& relative) = 0;
  /// Opens a regular file for reading; anything else (a pipe, a directory, a link) is an io error.
  virtual Result<std::unique_ptr<File>> Open(const std::string& root,
                                             const std::string& relative) = 0;

  // The agent's own files, below state_dir and where a sink writes.
  virtual Result<void> MakeDirectories(const std::string& path) = 0;
  /// The same, but the last one is the agent's alone, mode 0700, and its name is on the disk.
  virtual Result<void> MakePrivateDirectory(const std::string& path) = 0;
  /// Error io when it is missing or larger than `bytes_max`.
  virtual Result<std::string> ReadWhole(const std::string& path, uint64_t bytes_max) = 0;
  virtual bool Exists(const std::string& path) = 0;
  /// Replaces the content in place and syncs it and its directory entry to the disk. A crash in
  /// between leaves any mixture: the caller keeps checksums and a second copy.
  virtual Result<void> WriteSynced(const std::string& path, std::string_view content) = 0;
  /// Opens a regular file for reading and writing; one that is missing is made, with mode 0640. A
  /// link is an error.
  virtual Result<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path) = 0;
  virtual Result<DiskSpace> SpaceOf(const std::string& path) = 0;
  /// Replaces `to`.
  virtual Result<void> Rename(const std::string& from, const std::string& to) = 0;
  /// Of a file, or of an empty directory.
  virtual Result<void> Remove(const std::string& path) = 0;
  /// What was made, renamed or removed in that directory is on the disk.
  virtual Result<void> SyncDirectory(const std::string& path) = 0;
  /// Of a directory, or of a file, which is made when missing. Error transient when somebody else
  /// holds it.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

/// The kernel's.
class PosixFileSystem : public FileSystem {
 public:
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
};

}  // namespace hinomi
