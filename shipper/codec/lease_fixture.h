// For tests of decoders: a log in segments, read lease after lease as a worker does, with every
// byte accounted for; and what all such tests draw and compare.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "shipper/codec/codec.h"

namespace hinomi {

using Random = std::mt19937;

inline uint32_t Below(Random& random, uint32_t limit) {
  return static_cast<uint32_t>(random() % limit);
}

/// A record, kept beyond its chunk.
struct Seen {
  std::string body;
  std::string time;
  Position begin, end;
  uint64_t segment_key = 0;
  Hash128 content;
  Stream stream = Stream::kNone;
  bool cut = false, boundary = false;
  bool operator==(const Seen&) const = default;
};

inline void PrintTo(const Seen& seen, std::ostream* out) {
  *out << (seen.stream == Stream::kStderr ? "err " : "out ") << seen.begin.segment << ":"
       << seen.begin.offset << "-" << seen.end.segment << ":" << seen.end.offset
       << (seen.cut ? " cut" : "") << (seen.boundary ? " | " : " ") << seen.time << " "
       << seen.body;
}

/// A log as a source sees it.
struct SegmentedLog {
  LogFormat format = LogFormat::kCri;
  std::vector<std::string> segments;
  DecodeLimits limits;

  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const std::string& segment : segments) sum += segment.size();
    return sum;
  }
};

class LeaseReader {
 public:
  using DecodeChunk = std::function<void(const Chunk& chunk, Decoded* decoded)>;
  struct Ending {
    bool full = false;   // there would be more than what was asked for, unless the log ends there
    bool close = false;  // what is open is to be closed
  };

  LeaseReader(const SegmentedLog& log, DecodeChunk decode)
      : log_(log), decode_(std::move(decode)) {}

  /// Reads `bytes` from the cursor on; true if everything was consumed.
  bool Lease(uint64_t bytes) { return Lease(bytes, {}); }
  bool Lease(uint64_t bytes, Ending ending) {
    std::vector<ChunkPiece> pieces;
    std::deque<std::string> buffers;
    for (uint32_t i = cursor.segment; i < log_.segments.size(); ++i) {
      const uint64_t from = i == cursor.segment ? cursor.offset : 0;
      const std::string& segment = log_.segments[i];
      const uint64_t size = std::min<uint64_t>(bytes, segment.size() - from);
      buffers.push_back(segment.substr(from, size) + std::string(Chunk::kPadding, '\n'));
      const bool last = from + size == segment.size();
      pieces.push_back({i, 77 + i, from, std::string_view(buffers.back()).substr(0, size), last});
      bytes -= size;
      if (!last || bytes == 0) break;
    }
    const bool at_end = pieces.back().last && pieces.back().segment + 1 == log_.segments.size();
    const Position open_end = ending.close ? Position{9, 0} : Position{};
    decode_({pieces, after, ending.full && !at_end, ending.close, open_end}, &decoded_);
    Check(pieces);
    for (const Record& r : decoded_.records) {
      seen.push_back({std::string(r.body), std::string(r.time), r.begin, r.end, r.segment_key,
                      r.content, r.stream, r.cut, r.boundary});
    }
    cursor = decoded_.consumed;
    after = decoded_.after;
    corrupt_bytes += decoded_.corrupt_bytes;
    corrupt_lines += decoded_.corrupt_lines;
    return cursor.segment + 1 == log_.segments.size() &&
           cursor.offset == log_.segments.back().size();
  }

  /// Reads on in leases of random sizes, larger ones where those show nothing.
  void LeaseAtRandom(Random& random) {
    uint64_t bytes = 0;
    bool done = false;
    for (int leases = 0; leases < 300 && !done; ++leases) {
      const Position before = cursor;
      bytes = 1 + Below(random, 60) + bytes;
      done = Lease(bytes);
      if (cursor != before) bytes = 0;
    }
  }

  Position cursor;
  Continuation after;
  std::vector<Seen> seen;
  uint64_t corrupt_bytes = 0;
  uint64_t corrupt_lines = 0;

 private:
  void Check(const std::vector<ChunkPiece>& pieces) const {
    uint64_t accounted = decoded_.corrupt_bytes;
    for (const Record& record : decoded_.records) {
      accounted += record.source_bytes;
      EXPECT_LE(record.body.size(), log_.limits.record_bytes_max);
      EXPECT_LE(record.end, decoded_.consumed);
      EXPECT_LE(cursor, record.begin);
    }
    uint64_t consumed = 0;
    for (const ChunkPiece& piece : pieces) {
      if (piece.segment < decoded_.consumed.segment) consumed += piece.data.size();
      if (piece.segment == decoded_.consumed.segment)
        consumed += decoded_.consumed.offset - piece.offset;
    }
    ASSERT_EQ(accounted, consumed);
  }

  const SegmentedLog& log_;
  DecodeChunk decode_;
  Decoded decoded_;
};

inline void ExpectSame(const LeaseReader& got, const LeaseReader& want) {
  EXPECT_EQ(got.seen, want.seen);
  EXPECT_EQ(got.corrupt_bytes, want.corrupt_bytes);
  EXPECT_EQ(got.corrupt_lines, want.corrupt_lines);
  EXPECT_EQ(got.cursor, want.cursor);
}

/// Between two boundaries lie whole units: their records and corrupt lines tile them, and none
/// reaches out.
inline void CheckBoundaries(const std::vector<Seen>& seen) {
  for (size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i].boundary) continue;
    for (size_t k = 0; k < seen.size(); ++k) {
      EXPECT_TRUE(k <= i ? seen[k].end <= seen[i].end : seen[i].end <= seen[k].begin)
          << i << " " << k;
    }
  }
}

class DecoderProperty : public ::testing::TestWithParam<LogFormat> {};

inline std::string FormatName(const ::testing::TestParamInfo<LogFormat>& format) {
  return format.param == LogFormat::kCri ? "Cri" : "JsonFile";
}

}  // namespace hinomi
