// Records that a sink refused for good, kept on disk with the reason, for people and for `hinomi
// replay` (docs/dead-letters.md). Knows nothing of sinks or cursors: the caller settles a record
// only after Append has returned.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/metrics.h"
#include "base/result.h"
#include "shipper/batch.h"
#include "shipper/sink.h"
#include "shipper/sink/dead_letter_files.h"

namespace hinomi {

struct DeadLettersOptions {
  std::string directory;             // made with mode 0700 when missing
  uint64_t bytes_max = 64ull << 20;  // of all files; beyond it the oldest is discarded and counted
};

/// Who refused it.
struct Refuser {
  std::string_view sink;
  std::string_view route;
  RecordFormat format = RecordFormat::kJson;
};

/// Any thread.
/// Metrics: hinomi_dead_letters_bytes, hinomi_dead_letters_bytes_max;
/// hinomi_dead_letters_discarded_total, records.
class DeadLetters {
 public:
  struct Parts {
    FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
  };
  DeadLetters(DeadLettersOptions options, Parts parts);

  /// Appends one line for each of batch.rejections and syncs them to the disk; the caller then
  /// empties that list. Errors: io, or transient while `hinomi replay` holds the directory; nothing
  /// was written, the caller waits and tries again.
  Result<void> Append(const Batch& batch, const Refuser& refuser);
  /// Sees what others have taken away; to be called now and then.
  void Look();

 private:
  using Stored = std::vector<DeadLetterFiles::Stored>;

  std::string Lines(const Batch& batch, const Refuser& refuser) const;
  Result<void> Write(std::string_view lines, Stored* stored);
  Result<void> DiscardOldest(Stored* stored);
  void Measure(const Stored& stored);

  const DeadLettersOptions options_;
  FileSystem& file_system_;
  const DeadLetterFiles files_;
  const Clock& clock_;
  Gauge bytes_;
  Counter discarded_;
  std::mutex mutex_;
  uint64_t current_ = 0;  // number of the file that this run writes to; 0: none yet
};

}  // namespace hinomi
