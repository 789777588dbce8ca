// What an archive's files are called and hold. docs/sinks/archive.md describes the same for people;
// change both. Text and bytes only: nothing here touches a disk.
//
//   DIRECTORY/<cluster>/<namespace>/<pod>/<container>/<YYYY-MM-DD>/<HH>.ndjson.zst[.partial]
//
// or, of plain lines, <HH>.log.zst[.partial].
//
// A file is a sequence of flushes: a label (a zstd skippable frame, which every reader of zstd
// passes over) that says which bytes of which logs the flush holds, then the records in one zstd
// frame.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"

namespace hinomi {

/// Every record of that log (Origin::log_hash) that lies within bytes [begin, end) of that segment
/// and belongs into the file is in the file.
struct ArchiveClaim {
  uint64_t log = 0;
  uint64_t segment_key = 0;
  uint64_t begin = 0;
  uint64_t end = 0;
  bool operator==(const ArchiveClaim&) const = default;
};

/// What stands before the records of a flush.
struct ArchiveLabel {
  uint64_t data_bytes = 0;  // length of the frame behind the label
  std::vector<ArchiveClaim> claims;
};

inline constexpr uint64_t kArchiveLabelBytesMin = 40;
inline constexpr uint64_t kArchiveLabelBytesMax = 64 << 20;
inline constexpr size_t kArchiveClaimsMax = (kArchiveLabelBytesMax - kArchiveLabelBytesMin) / 32;

uint64_t ArchiveLabelBytes(size_t claims);
/// Exactly ArchiveLabelBytes(label.claims.size()) bytes.
std::string EncodeArchiveLabel(const ArchiveLabel& label);

/// Length of the label that `bytes` begins with: at least the first kArchiveLabelBytesMin of it.
/// Nothing when that is none.
std::optional<uint64_t> ArchiveLabelLength(std::string_view bytes);
/// `bytes` is one label. Errors: corrupt. Never trusts a byte.
Result<ArchiveLabel> DecodeArchiveLabel(std::string_view bytes);
/// Whether `bytes` can be what a crash left of a label: a beginning of one, zeros, or both.
bool MayBeTornLabel(std::string_view bytes);

/// Unix time of an RFC 3339 time; nothing when it is none, or before 1970.
std::optional<Duration> ParseArchiveTime(std::string_view time);
/// That of a record of the agent's JSON encoding, which begins with its @timestamp.
std::optional<Duration> ArchiveRecordTime(std::string_view record);
/// The same as text; empty for a record without.
std::string_view ArchiveRecordTimeText(std::string_view record);

/// The hour of a time, counted from the Unix epoch. Costs next to nothing while consecutive ones
/// are of one hour.
class ArchiveHours {
 public:
  /// Of an RFC 3339 time; zero, in 1970, for anything else.
  int64_t HourOf(std::string_view time);

 private:
  std::string last_hour_, last_zone_;  // too short for the heap
  int64_t last_ = 0;
};

/// `name` as a directory may be called: never empty, "." or "..", no slash or control character, at
/// most 255 bytes. Names that Kubernetes allows stay as they are.
std::string ArchiveComponent(std::string_view name);

/// Of a finished file: ".ndjson.zst", or ".log.zst" of plain lines. One that is still written ends
/// with kArchiveOpen besides.
std::string_view ArchiveSuffix(ArchiveFormat format);
inline constexpr std::string_view kArchiveOpen = ".partial";

/// "2026-11-21" and "07" of an hour.
std::string ArchiveDate(int64_t hour);
std::string ArchiveHourName(int64_t hour);

/// What a file of an archive's date directory is.
struct ArchiveFileName {
  int64_t hour = 0;
  ArchiveFormat format = ArchiveFormat::kJson;
  bool open = false;   // .partial
  bool plain = false;  // just the hour's: not one that was set aside
};
/// Nothing when these are not the names of an archive's date directory and of a file in it.
std::optional<ArchiveFileName> ParseArchiveFileName(std::string_view date, std::string_view name);

}  // namespace hinomi
