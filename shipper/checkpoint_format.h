// What a checkpoint holds and how it is written. docs/checkpoint.md describes the same for people;
// change both.
//
// One header line, then one JSON object:
//   hinomi-checkpoint <version> <generation> <bytes of the JSON> <xxh3-128 of the JSON, 32 hex
//   digits>\n
//   {"logs":[{"dir":…,"restart":…,"time":…,"next":…,"segments":[…],"readers":[…]},…]}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "shipper/batch.h"

namespace hinomi {

inline constexpr int kCheckpointVersion = 1;

struct SegmentState {
  uint32_t ordinal = 0;
  uint64_t key = 0;
  uint64_t inode = 0;
  int64_t birth_nanoseconds = 0;
  uint32_t fingerprint_bytes = 0;
  uint64_t fingerprint = 0;
  uint64_t begin = 0;
  uint64_t size = 0;
};

struct ReaderState {
  std::string route;
  Position cursor;
  Continuation continuing;
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
  std::vector<LogState> logs;
};

std::string EncodeCheckpoint(const CheckpointState& state);

/// Errors: corrupt, naming what does not fit. Never trusts a byte of `text`.
Result<CheckpointState> DecodeCheckpoint(std::string_view text);

}  // namespace hinomi
