// One hour's file of one container, being written: knows by its labels what it holds, cuts off what
// a crash has torn, appends flushes. docs/sinks/archive.md says how a file is laid out. Knows
// nothing of batches.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/filesystem.h"
#include "shipper/sink/archive_format.h"
#include "shipper/sink/archive_reader.h"

namespace hinomi {

/// Which file of an archive.
struct ArchivePlace {
  std::string directory;  // the date's
  int64_t hour = 0;
  ArchiveFormat format = ArchiveFormat::kJson;

  /// Of the finished file.
  std::string Path() const;
};

/// Open, Append, Sync, Add and Close in turn; one thread. It is not kept open: a process cannot end
/// while it has files of a disk that hangs. What was not added is cut off by the next Open.
class ArchiveFile {
 public:
  /// What is to be done before the finished file of that path is written to again. Errors: io; it
  /// then stays finished.
  using Release = std::function<Result<void>(const std::string& path)>;
  /// Touches no disk.
  ArchiveFile(FileSystem& files, ArchivePlace place, Release release);

  /// Makes the file ready to be appended to, under its open name: an existing one, a finished one
  /// reopened, or a new one, with its directories. One that is no longer what it was (removed,
  /// replaced) is begun anew; one that is not an archive's is set aside. Errors: io.
  Result<void> Open();
  /// True when the file is new to this process, so its name may not be on the disk yet.
  bool fresh() const { return fresh_; }
  void SetNamed() { fresh_ = false; }

  /// True when all records of these bytes that belong into this file are in it, on the disk.
  bool Covers(const ArchiveClaim& claim) const { return coverage_.Covers(claim); }
  /// True when some of these bytes are covered.
  bool Touches(const ArchiveClaim& claim) const { return coverage_.Touches(claim); }

  /// Writes the next part of a flush behind the last one. Errors: io.
  Result<void> Append(std::string_view bytes);
  /// What was appended is on the disk, and the file still where it belongs. Errors: io.
  Result<void> Sync();
  /// It holds these as well: what was appended is on the disk, and so is the file's name.
  void Add(const std::vector<ArchiveClaim>& claims);

  /// Its hour is over: gives it its final name, on the disk. The next Open takes it back. False
  /// when there is nothing to finish, or somebody put another file in its place. Errors: io.
  Result<bool> Finish();

  void Close();
  /// What it holds is read again by the next Open.
  void Forget();
  const ArchivePlace& place() const { return place_; }
  // The owner's notes.
  uint64_t last_used = 0;
  Duration last_written{0};  // monotonic

 private:
  Result<void> Learn();
  Result<void> SetAside();
  Result<void> CheckPlace();

  FileSystem& files_;
  const ArchivePlace place_;
  const Release release_;
  const std::string final_path_, open_path_;
  std::unique_ptr<WritableFile> handle_;
  bool known_ = false;  // the next three are true of the file with that inode
  uint64_t inode_ = 0;
  uint64_t synced_bytes_ = 0;
  ArchiveCoverage coverage_;
  uint64_t written_bytes_ = 0;  // behind synced_bytes_
  bool fresh_ = true;
};

}  // namespace hinomi
