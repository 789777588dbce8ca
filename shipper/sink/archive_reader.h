// Reads one file of an archive: what it holds, by its labels alone, and its records. Needs no
// memory to speak of, however large the file is. docs/sinks/archive.md says how a file is laid out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/filesystem.h"
#include "base/result.h"
#include "shipper/sink/archive_format.h"

namespace hinomi {

/// Which bytes of which logs a file holds. Claims that touch become one.
class ArchiveCoverage {
 public:
  void Add(const ArchiveClaim& claim);
  /// True when one claim, or several that touch, cover all of this one.
  bool Covers(const ArchiveClaim& claim) const;
  /// True when some claim covers a part of this one.
  bool Touches(const ArchiveClaim& claim) const;

 private:
  using Segment = std::pair<uint64_t, uint64_t>;            // log, segment_key
  std::map<Segment, std::map<uint64_t, uint64_t>> ranges_;  // begin to end, apart from each other
};

/// What lies behind the last whole flush of a file.
enum class ArchiveTail : uint8_t {
  kNone,
  kTorn,     // what a crash or a full disk leaves of the last flush
  kForeign,  // something else: damage, or bytes that somebody else wrote
};

struct ArchiveScan {
  std::vector<ArchiveClaim> claims;  // of all whole flushes
  uint64_t whole_bytes = 0;          // they end here
  uint64_t bytes = 0;                // of the file
  ArchiveTail tail = ArchiveTail::kNone;
};

/// Hops over the labels of a file, and verifies the content of the last flush: all others were on
/// the disk before the next one was begun. Errors: io.
Result<ArchiveScan> ScanArchiveFile(File& file);

/// Hands the records in the first `bytes` of a file to `take`, in pieces of any length, as long as
/// that returns true. Any zstd data is read, with labels or without. Errors: io, corrupt.
Result<void> ReadArchiveFile(File& file, uint64_t bytes,
                             const std::function<bool(std::string_view)>& take);

}  // namespace hinomi
