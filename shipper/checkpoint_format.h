// What a checkpoint holds and how it is written. docs/checkpoint.md describes the same for people;
// change both.
//
// One header line, then one JSON object:
//   hinomi-checkpoint <version> <generation> <bytes of the JSON> <xxh3-128 of the JSON, 32 hex
//   digits>\n
//   {"epoch":…,"routes":[…],"logs":[{"dir":…,"restart":…,"time":…,"next":…,"segments":[…],"readers":[…]},…],
//   "gone":[…]}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "shipper/batch.h"

namespace hinomi {

inline constexpr int kCheckpointVersion = 2;

struct SegmentState {
  uint32_t ordinal = 0;
  uint64_t key = 0;
  uint64_t inode = 0;
  int64_t birth_nanoseconds = 0;
  uint64_t copy_inode = 0;  // of a compressed file with the same content
  int64_t copy_birth_nanoseconds = 0;
  uint32_t fingerprint_bytes = 0;
  uint64_t fingerprint = 0;
  uint64_t begin = 0;
  uint64_t size = 0;
  uint64_t lost_from = 0;  // above zero where the end of the file was cut off
};

/// Which records a route takes of those that begin at `from` or behind it.
struct LevelState {
  Position from;
  Levels levels;
};

struct ReaderState {
  std::string route;
  Position cursor;
  Continuation continuing;
  uint64_t produced_bytes = 0;
  SettledBytes settled;                 // of what lies before the cursor
  std::vector<LevelState> levels = {};  // the last that holds counts; none: all records
};

/// What became of all logs of a namespace that are gone, by route.
struct GoneState {
  std::string route;
  std::string namespace_name;
  uint64_t produced_bytes = 0;
  SettledBytes settled;
};

struct LogState {
  std::string directory;  // <namespace>_<pod>_<uid>/<container> below pods_dir, or an absolute path
  uint32_t restart = 0;
  std::string first_time;  // of its first line; part of the log's identity
  uint32_t next_ordinal = 0;
  std::vector<SegmentState> segments;
  std::vector<ReaderState> readers;
};

struct CheckpointState {
  uint64_t generation = 0;
  int64_t epoch_seconds = 0;        // Unix time; since when the ledger counts
  std::vector<std::string> routes;  // that have had their first look at the logs
  std::vector<LogState> logs;
  std::vector<GoneState> gone;
  /// Not stored: a newer state may have been lost, so that what is gone may have been settled.
  bool fell_back = false;
};

std::string EncodeCheckpoint(const CheckpointState& state);

/// Errors: corrupt, naming what does not fit. Never trusts a byte of `text`.
Result<CheckpointState> DecodeCheckpoint(std::string_view text);

}  // namespace hinomi
