// Records that a sink refused for good, kept on disk with the reason, for people and for sending
// them again. One JSON object a line in <directory>/<number>.ndjson; the highest number is the
// newest file. Knows nothing of sinks or cursors: the caller settles a record only after Append has
// returned.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/metrics.h"
#include "base/result.h"
#include "shipper/batch.h"

namespace hinomi {

struct DeadLettersOptions {
  std::string directory;             // made with mode 0700 when missing
  uint64_t bytes_max = 64ull << 20;  // of all files; beyond it the oldest is discarded and counted
};

/// True for the names of files that DeadLetters writes.
bool IsDeadLetterFile(std::string_view name);

/// Any thread.
/// Metrics: hinomi_dead_letters_bytes; hinomi_dead_letters_discarded_total, records.
class DeadLetters {
 public:
  struct Parts {
    FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
  };
  DeadLetters(DeadLettersOptions options, Parts parts);

  /// Appends one line for each of batch.rejections and syncs them to the disk; the caller then
  /// empties that list. Errors: io, nothing was written; the caller waits and tries again.
  Result<void> Append(const Batch& batch, std::string_view sink, std::string_view route);

 private:
  struct StoredFile {
    uint64_t number = 0;
    uint64_t bytes = 0;
  };

  std::string Lines(const Batch& batch, std::string_view sink, std::string_view route) const;
  Result<void> Open();  // finds the files of an earlier run, once
  Result<void> Write(std::string_view lines);
  Result<void> DiscardOldest();
  uint64_t LinesOf(const StoredFile& file) const;
  std::string PathOf(const StoredFile& file) const;

  const DeadLettersOptions options_;
  FileSystem& files_;
  const Clock& clock_;
  Gauge bytes_;
  Counter discarded_;
  std::mutex mutex_;
  bool open_ = false;
  std::deque<StoredFile> stored_;  // oldest first
  uint64_t total_bytes_ = 0;
};

}  // namespace hinomi
