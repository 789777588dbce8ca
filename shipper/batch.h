// The words that source, codec, transform, encode and sink share, so that none of them includes
// another.
//
// A source hands out a Chunk: whole physical lines of one log. The codec turns it into Records,
// views into the chunk. A transform rewrites a record's body in place of the view. The encoder
// appends the records to a Batch, which a sink delivers. Then the batch's slices go back to the
// source: settled.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "metadata/pod_info.h"

namespace hinomi {

/// A place in a log: which segment of its chain, and how many uncompressed bytes into it.
struct Position {
  uint32_t segment = 0;
  uint64_t offset = 0;
  auto operator<=>(const Position&) const = default;
};

/// How a log's lines are written; it says which codec reads them.
enum class LogFormat : uint8_t { kCri, kJsonFile };

enum class Stream : uint8_t { kStdout, kStderr, kNone };

/// Why bytes were settled without having been delivered. Values of the label `reason`.
enum class DropReason : uint8_t {
  kCorrupt,
  kRejected,
  kRateLimited,
  kBeforeSince,
  kNoRoute,
  kRouteRemoved,  // the configuration took the route away, or the log from it
  kLevel,         // the route takes other levels
};
inline constexpr size_t kDropReasons = 7;
std::string_view ToString(DropReason reason);

/// Why bytes are gone that should have been delivered. Values of the label `reason`.
enum class LossReason : uint8_t {
  kTruncated,  // cut off by their writer
  kVanished,   // the file was removed while nothing held it
  kLate,       // written to a file long after it was rotated, behind what was read of it
  kUnknown,  // as kVanished, but a newer checkpoint that is damaged may have known them as settled
  kEscrowFull,  // given up to keep the disk free
  kUnreadable,  // a compressed file is damaged
};
inline constexpr size_t kLossReasons = 6;
std::string_view ToString(LossReason reason);

struct Dropped {
  uint64_t lines = 0;
  uint64_t bytes = 0;
};

/// What was dropped, by reason.
class Drops {
 public:
  Dropped& operator[](DropReason reason) { return by_reason_[static_cast<size_t>(reason)]; }
  const Dropped& operator[](DropReason reason) const {
    return by_reason_[static_cast<size_t>(reason)];
  }
  /// Of all reasons.
  uint64_t bytes() const;

 private:
  std::array<Dropped, kDropReasons> by_reason_;
};

/// Bytes of log files by what became of them.
struct SettledBytes {
  uint64_t acknowledged = 0;
  std::array<uint64_t, kDropReasons> dropped{};  // by reason
  std::array<uint64_t, kLossReasons> lost{};     // by reason

  uint64_t DroppedTotal() const;
  uint64_t LostTotal() const;
  uint64_t Total() const { return acknowledged + DroppedTotal() + LostTotal(); }
  SettledBytes& operator+=(const SettledBytes& more);
  bool operator==(const SettledBytes&) const = default;
};

/// What the cursor remembers when a record was cut: the next bytes belong to the same record.
struct Continuation {
  enum class Kind : uint8_t {
    kNone,
    kRecord,   // the rest of the record starts at a physical line of its own
    kMidLine,  // the rest starts within a physical line, which has no header
    kSkip,     // within a physical line that is not of the format and is being dropped
  };
  Kind kind = Kind::kNone;
  Stream stream = Stream::kNone;
  std::string time;  // RFC 3339, of the part before; for kMidLine
  bool operator==(const Continuation&) const = default;
};

/// Contiguous bytes of one segment.
struct ChunkPiece {
  uint32_t segment = 0;
  uint64_t segment_key =
      0;  // the segment's identity, stable over renames and restarts: part of a document's id
  uint64_t offset = 0;    // of data in the segment
  std::string_view data;  // readable for kPadding bytes beyond its end
  bool last =
      false;  // the segment ends here and nothing will be added: a line without newline is whole
};

/// Which records of a log take a route: [least, below) of OTLP's numbers of severity, 1 to 24.
struct Levels {
  static constexpr uint8_t kEnd = 25;
  uint8_t least = 0;  // also those that do not say how grave they are
  uint8_t below = kEnd;

  bool all() const { return least == 0 && below == kEnd; }
  bool contain(uint32_t number) const { return least <= number && number < below; }
  bool operator==(const Levels&) const = default;
};

/// What a lease read: consecutive bytes of one log, over the end of a segment if it is final. Valid
/// until the lease's buffer is filled again.
struct Chunk {
  static constexpr size_t kPadding = 64;  // simdjson reads that far
  std::span<const ChunkPiece> pieces;
  Continuation before;
  bool full = false;        // there are more bytes right behind it
  bool close_open = false;  // an open record has waited long enough: take it as it is
  Position
      open_end{};  // and a block of lines, where Decoded::open_end said this when the wait began
};

enum class BodyKind : uint8_t {
  kText,         // any bytes, not even UTF-8 is promised; becomes `message`
  kJsonMembers,  // the members of a JSON object without its braces, valid UTF-8, safe to splice
                 // into a document
};

/// One log record. Its views point into the chunk or into the arena of the stage that joined or
/// rewrote them, and live as long as that lease.
struct Record {
  std::string_view body;      // readable for Chunk::kPadding bytes beyond its end
  std::string_view time;      // RFC 3339 as in the line, at most nine digits of fraction, validated
  Position begin;             // of its first physical line
  Position end;               // behind its last
  uint64_t segment_key = 0;   // of begin's segment
  Hash128 content;            // of the raw bytes of its physical lines, headers included
  uint32_t source_bytes = 0;  // length of its physical lines, newlines included
  Stream stream = Stream::kNone;
  BodyKind kind = BodyKind::kText;
  bool cut = false;  // not the whole record: it was longer than record_bytes_max or waited too long
  bool boundary = false;  // the log may be split at `end`: no earlier record is still open there
  std::optional<DropReason> dropped;  // why it is not sent; its bytes are settled with its slice
};

/// What a codec made of a chunk. Reused from lease to lease: no allocation in the steady state.
struct Decoded {
  std::vector<Record> records;
  Position consumed;   // the start of the first open record, or the end of the chunk
  Continuation after;  // holds at `consumed`
  bool has_open =
      false;  // something waits at `consumed`: a P without its F, a line without its newline
  Position open_end;           // of the lines at hand of a block that waits there for its next line
  uint64_t corrupt_bytes = 0;  // settled as dropped{corrupt}; they lie between the records
  uint64_t corrupt_lines = 0;
  std::string arena;  // joined bodies

  void Clear();
};

/// What is constant for one log; shared by all that hold pieces of it.
struct Origin {
  PodInfo pod;
  LogFormat format = LogFormat::kCri;
  std::string path;  // of the log's current file as the node sees it, for log.file.path
  std::optional<uint32_t> multiline;  // index of the configuration's rule, if one matches
  uint64_t log_hash = 0;              // pod UID, container, restart count and first timestamp
  uint32_t first_seconds =
      0;                // of the log's first timestamp, Unix time: the time prefix of document ids
  bool own = false;     // the agent's own log: what goes wrong with it is counted but not logged
  bool events = false;  // what the agent has noticed of the container, not what that has written
};

/// Bytes [begin, end) of one segment, by a name that outlives the agent's memory.
struct SegmentRange {
  uint32_t segment = 0;
  uint64_t segment_key = 0;
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// The part of one log that a batch holds: [begin, end), tiled by the batch's records of this slice
/// and by ranges that are settled already.
struct Slice {
  std::shared_ptr<const Origin> origin;
  uint64_t log = 0;    // the source's handle
  uint32_t route = 0;  // index of the route
  Position begin;
  Position end;
  std::vector<SegmentRange> ranges;  // the same bytes, segment by segment
  Continuation after;                // holds at end
  uint64_t ticket = 0;   // the source's name for it; once forgotten it no longer settles anything
  uint32_t records = 0;  // that are in the batch
  Drops dropped;         // the rejected ones are filled in when every record has its outcome
  uint64_t acknowledged_bytes = 0;  // the same
  // Of what its records share in Batch::bytes, where the format has such.
  uint32_t head_begin = 0;
  uint32_t head_end = 0;
};

/// What of a slice's ranges lies between two of its positions, none of it empty.
std::vector<SegmentRange> RangesBetween(const Slice& slice, const Position& from,
                                        const Position& to);

enum class Outcome : uint8_t { kPending, kAcknowledged, kRejected };

struct BatchRecord {
  uint32_t begin = 0;  // of its encoded bytes in Batch::bytes
  uint32_t end = 0;
  uint32_t slice = 0;
  uint32_t source_bytes = 0;
  Position source;  // where the record starts
  Outcome outcome = Outcome::kPending;
  Position source_end{};  // behind the record's last line
};

/// Why one record was refused for good.
struct Rejection {
  uint32_t record = 0;
  std::string type;    // the sink's own word, such as document_parsing_exception
  std::string reason;  // its sentence
  /// It may have been taken all the same, so it must not be sent again.
  bool perhaps_taken = false;
};

/// What travels to a sink. Owned by one stage at a time; never copied.
struct Batch {
  std::string bytes;  // encoded records one after another, in the sink's format
  std::vector<BatchRecord> records;
  std::vector<Slice> slices;
  std::vector<Rejection> rejections;
  uint32_t route = 0;
  uint64_t number = 0;  // tells a sink this batch from all others; from NewBatch, never 0

  // Delivery's own notes.
  int attempts = 0;
  Duration taken_at{0};         // when this attempt began
  uint32_t pending_before = 0;  // records without outcome before this attempt
  uint64_t charged_bytes = 0;   // of the limit on bytes in flight

  /// Empties it and keeps the memory.
  void Clear();
};

}  // namespace hinomi
