// The directory of dead letters: numbered files of lines, of which the highest number is the
// newest. The agent and `hinomi replay` change it under one lock, so that each may come while the
// other is at it; nobody keeps in memory what is there. Knows nothing of what a line says.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/filesystem.h"
#include "base/result.h"

namespace hinomi {

/// True for the names of files that are made there.
bool IsDeadLetterFile(std::string_view name);

class DeadLetterFiles {
 public:
  struct Stored {
    uint64_t number = 0;
    uint64_t bytes = 0;
  };
  /// Bytes [begin, end) of a file.
  struct Range {
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  /// One line without its newline, and where it begins; false ends the reading.
  using TakeLine = std::function<bool(std::string_view line, uint64_t offset)>;

  DeadLetterFiles(FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  /// Of the directory, which exists. Held for one change; waits for another holder a second.
  /// Errors: transient while it is held, io.
  Result<std::unique_ptr<FileLock>> Lock() const;
  /// Oldest first; none where there is no directory. Errors: io.
  Result<std::vector<Stored>> List() const;
  /// The whole lines that begin in `range`; what a crash has torn is passed over. Errors: io.
  Result<void> Read(uint64_t number, Range range, const TakeLine& take) const;

  // With the lock.
  /// Writes `lines` at `offset`, the end of the file, and syncs them. Errors: io; part of it may
  /// have been written.
  Result<void> Append(uint64_t number, uint64_t offset, std::string_view lines) const;
  /// Puts `lines` in the place of a range, on the disk before it returns; whatever happens, the
  /// file is the old one or the new one. One that is empty then goes; one that is gone already is
  /// left so. Errors: io.
  Result<void> Replace(uint64_t number, Range range, std::string_view lines) const;
  Result<void> Truncate(uint64_t number, uint64_t bytes) const;
  Result<void> Remove(uint64_t number) const;
  /// Takes away what a Replace has left that was killed.
  Result<void> Tidy() const;

  const std::string& directory() const { return directory_; }
  std::string PathOf(uint64_t number) const;

 private:
  Result<void> WriteReplaced(File& old, uint64_t old_bytes, Range range,
                             std::string_view lines) const;

  FileSystem& files_;
  const std::string directory_;
};

}  // namespace hinomi
