// Whatever the places at which a log is cut into chunks: the same records, and every byte accounted
// for.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "base/json_text.h"
#include "shipper/codec/codec.h"

namespace hinomi {
namespace {

using Random = std::mt19937;

uint32_t Below(Random& random, uint32_t limit) { return static_cast<uint32_t>(random() % limit); }

std::string RandomBody(Random& random) {
  static const std::vector<std::string> kWords = {
      "a",         "\u00e9", "\u20ac", "\xf0\x9f\x94\xa5",   "\xff",     "\x80",
      "{\"a\":1}", " ",      "\r",     std::string(1, '\0'), "stdout F "};
  std::string body;
  for (uint32_t words = Below(random, 12); words > 0; --words)
    body += kWords[Below(random, kWords.size())];
  return body;
}

std::string AsJsonString(Random& random, const std::string& body) {
  static const std::vector<std::string> kEscapes = {
      "\\n", "\\\\", "\\u0000", "\\ufffd", "\\ud83d", "\\u20ac", "\\ud83d\\udd25"};
  std::string text;
  std::string_view rest = body;
  while (!rest.empty()) {
    const size_t plain = PlainJsonBytes(rest);
    text += rest.substr(0, plain);
    if (plain < rest.size()) text += kEscapes[Below(random, kEscapes.size())];
    rest.remove_prefix(std::min(plain + 1, rest.size()));
  }
  return text;
}

std::string RandomLine(LogFormat format, Random& random) {
  if (Below(random, 10) == 0)
    return Below(random, 3) == 0 ? "\n" : "garbage " + RandomBody(random) + "\n";
  const std::string time = "2026-01-02T03:04:0" + std::to_string(Below(random, 10)) + ".5Z";
  const std::string stream = Below(random, 2) ? "stdout" : "stderr";
  const bool partial = Below(random, 5) < 2;
  const std::string nuls(Below(random, 20) == 0 ? 3 : 0, '\0');
  if (format == LogFormat::kCri) {
    return nuls + time + " " + stream + (partial ? " P " : " F ") + RandomBody(random) + "\n";
  }
  const std::string attributes = Below(random, 5) == 0 ? R"(,"attrs":{"log":"\"}","a":"b"})" : "";
  return nuls + R"({"log":")" + AsJsonString(random, RandomBody(random)) + (partial ? "" : "\\n") +
         R"(","stream":")" + stream + '"' + attributes + R"(,"time":")" + time + "\"}\n";
}

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

/// A log as a source sees it.
struct Log {
  LogFormat format;
  std::vector<std::string> segments;
  uint64_t record_bytes_max = 0;

  Log(LogFormat its_format, Random& random)
      : format(its_format),
        segments(1 + Below(random, 3)),
        record_bytes_max(4 + Below(random, 40)) {
    for (std::string& segment : segments) {
      for (uint32_t lines = Below(random, 10); lines > 0; --lines)
        segment += RandomLine(format, random);
      if (Below(random, 3) == 0 && !segment.empty()) segment.pop_back();  // ends without newline
    }
  }
};

struct Reader {
  const Log& log;
  Position cursor;
  Continuation after;
  std::vector<Seen> seen;
  uint64_t corrupt_bytes = 0;
  uint64_t corrupt_lines = 0;

  /// Reads `bytes` from the cursor on; true if everything was consumed.
  bool Lease(uint64_t bytes) {
    std::vector<ChunkPiece> pieces;
    std::deque<std::string> buffers;
    for (uint32_t i = cursor.segment; i < log.segments.size(); ++i) {
      const uint64_t from = i == cursor.segment ? cursor.offset : 0;
      const std::string& segment = log.segments[i];
      const uint64_t size = std::min<uint64_t>(bytes, segment.size() - from);
      buffers.push_back(segment.substr(from, size) + std::string(Chunk::kPadding, '\n'));
      const bool last = from + size == segment.size();
      pieces.push_back({i, 77 + i, from, std::string_view(buffers.back()).substr(0, size), last});
      bytes -= size;
      if (!last || bytes == 0) break;
    }
    Decoded decoded;
    const Chunk chunk{pieces, after, false, false};
    Decode(log.format, chunk, {log.record_bytes_max}, &decoded);
    Check(decoded, pieces);
    for (const Record& r : decoded.records) {
      seen.push_back({std::string(r.body), std::string(r.time), r.begin, r.end, r.segment_key,
                      r.content, r.stream, r.cut, r.boundary});
    }
    cursor = decoded.consumed;
    after = decoded.after;
    corrupt_bytes += decoded.corrupt_bytes;
    corrupt_lines += decoded.corrupt_lines;
    return cursor.segment + 1 == log.segments.size() && cursor.offset == log.segments.back().size();
  }

  void Check(const Decoded& decoded, const std::vector<ChunkPiece>& pieces) const {
    uint64_t accounted = decoded.corrupt_bytes;
    for (const Record& record : decoded.records) {
      accounted += record.source_bytes;
      EXPECT_LE(record.body.size(), log.record_bytes_max);
      EXPECT_LE(record.end, decoded.consumed);
      EXPECT_LE(cursor, record.begin);
    }
    uint64_t consumed = 0;
    for (const ChunkPiece& piece : pieces) {
      if (piece.segment < decoded.consumed.segment) consumed += piece.data.size();
      if (piece.segment == decoded.consumed.segment)
        consumed += decoded.consumed.offset - piece.offset;
    }
    ASSERT_EQ(accounted, consumed);
  }
};

/// Between two boundaries lie whole units: their records and corrupt lines tile them, and none
/// reaches out.
void CheckBoundaries(const std::vector<Seen>& seen) {
  for (size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i].boundary) continue;
    for (size_t k = 0; k < seen.size(); ++k) {
      EXPECT_TRUE(k <= i ? seen[k].end <= seen[i].end : seen[i].end <= seen[k].begin)
          << i << " " << k;
    }
  }
}

Reader ReadAtOnce(const Log& log) {
  Reader reader{log, {}, {}, {}, 0, 0};
  reader.Lease(1 << 20);
  return reader;
}

void ExpectSame(const Reader& got, const Reader& want) {
  EXPECT_EQ(got.seen, want.seen);
  EXPECT_EQ(got.corrupt_bytes, want.corrupt_bytes);
  EXPECT_EQ(got.corrupt_lines, want.corrupt_lines);
  EXPECT_EQ(got.cursor, want.cursor);
}

class LineDecoderProperty : public ::testing::TestWithParam<LogFormat> {};

INSTANTIATE_TEST_SUITE_P(Formats, LineDecoderProperty,
                         ::testing::Values(LogFormat::kCri, LogFormat::kJsonFile),
                         [](const auto& format) {
                           return format.param == LogFormat::kCri ? "Cri" : "JsonFile";
                         });

TEST_P(LineDecoderProperty, EveryCutGivesTheSameRecords) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Log log(GetParam(), random);
    const Reader want = ReadAtOnce(log);
    CheckBoundaries(want.seen);
    uint64_t bytes = 0;
    for (const std::string& segment : log.segments) bytes += segment.size();
    for (uint64_t cut = 0; cut <= bytes; ++cut) {
      Reader got{log, {}, {}, {}, 0, 0};
      got.Lease(cut);
      got.Lease(1 << 20);
      ExpectSame(got, want);
      if (HasFailure()) return;
    }
  }
}

TEST_P(LineDecoderProperty, ManyLeasesGiveTheSameRecords) {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Log log(GetParam(), random);
    Reader got{log, {}, {}, {}, 0, 0};
    uint64_t bytes = 0;
    bool done = false;
    for (int leases = 0; leases < 300 && !done; ++leases) {
      const Position before = got.cursor;
      bytes = 1 + Below(random, 60) + bytes;
      done = got.Lease(bytes);
      if (got.cursor != before) bytes = 0;
    }
    if (!done) got.Lease(1 << 20);  // the log may end with an open record
    ExpectSame(got, ReadAtOnce(log));
    if (HasFailure()) return;
  }
}

TEST_P(LineDecoderProperty, FullChunksAlwaysMakeProgress) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::string bytes;
    for (int i = 0; i < 30; ++i) bytes += RandomLine(GetParam(), random);
    const uint64_t chunk_bytes = 50 + Below(random, 100);
    const uint64_t total = bytes.size();
    bytes.append(Chunk::kPadding, '\n');
    uint64_t at = 0;
    uint64_t accounted = 0;
    Continuation after;
    while (at < total) {
      const uint64_t size = std::min(chunk_bytes, total - at);
      const ChunkPiece piece{0, 1, at, std::string_view(bytes).substr(at, size),
                             at + size == total};
      Decoded decoded;
      const Chunk chunk{{&piece, 1}, after, !piece.last, piece.last};
      Decode(GetParam(), chunk, {40}, &decoded);
      ASSERT_GT(decoded.consumed.offset, at);
      accounted += decoded.corrupt_bytes;
      for (const Record& record : decoded.records) accounted += record.source_bytes;
      at = decoded.consumed.offset;
      after = decoded.after;
      ASSERT_EQ(accounted, at);
    }
  }
}

}  // namespace
}  // namespace hinomi
