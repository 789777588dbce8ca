// Whatever the places at which a log is cut into chunks: the same blocks, every byte accounted for,
// and no line lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "shipper/codec/multiline.h"

namespace hinomi {
namespace {

using Random = std::mt19937;

uint32_t Below(Random& random, uint32_t limit) { return static_cast<uint32_t>(random() % limit); }

/// Every kind of line that a rule tells from others, and what becomes of them at the limits.
std::string RandomBody(Random& random) {
  static const std::vector<std::string> kBodies = {
      "text",
      " indented",
      "",
      "a.bError: x",
      "\tat a.b(c)",
      "Caused by: d",
      "Traceback (most recent call last):",
      "KeyError: 1",
      "During handling of the above exception",
      "panic: e",
      "goroutine 1 [running]:",
      "main.main()",
      " \u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac",
      "long long long long long long long long long long"};
  return kBodies[Below(random, kBodies.size())];
}

std::string RandomLine(LogFormat format, int milliseconds, Random& random) {
  if (Below(random, 12) == 0) return Below(random, 3) == 0 ? "\n" : "garbage\n";
  char time[40];
  std::snprintf(time, sizeof time, "2026-01-02T03:04:%02d.%03dZ", milliseconds / 1000,
                milliseconds % 1000);
  const std::string stream = Below(random, 3) ? "stdout" : "stderr";
  const bool partial = Below(random, 6) == 0;
  const std::string nuls(Below(random, 20) == 0 ? 3 : 0, '\0');
  const std::string body = RandomBody(random);
  if (format == LogFormat::kCri)
    return nuls + time + " " + stream + (partial ? " P " : " F ") + body + "\n";
  return nuls + R"({"log":")" + (body[0] == '\t' ? "\\" + ("t" + body.substr(1)) : body) +
         (partial ? "" : "\\n") + R"(","stream":")" + stream + R"(","time":")" + time + "\"}\n";
}

MultilineConfig RandomRule(Random& random) {
  MultilineConfig config;
  switch (Below(random, 5)) {
    case 0:
      config.start = "^[a-z]";
      break;
    case 1:
      config.continues = R"(^\s)";
      break;
    default:
      config.preset = static_cast<MultilinePreset>(1 + Below(random, 3));
  }
  config.lines_max = 2 + Below(random, 5);
  config.wait = std::chrono::milliseconds(100);
  return config;
}

struct Seen {
  std::string body;
  std::string time;
  Position begin, end;
  Hash128 content;
  Stream stream = Stream::kNone;
  bool cut = false, boundary = false;
  bool operator==(const Seen&) const = default;
};

void PrintTo(const Seen& seen, std::ostream* out) {
  *out << (seen.stream == Stream::kStderr ? "err " : "out ") << seen.begin.segment << ":"
       << seen.begin.offset << "-" << seen.end.segment << ":" << seen.end.offset
       << (seen.cut ? " cut" : "") << (seen.boundary ? " | " : " ") << seen.time << " "
       << seen.body;
}

/// A log as a source sees it.
struct Log {
  LogFormat format;
  std::vector<std::string> segments;
  DecodeLimits limits;
  MultilineConfig rule;

  Log(LogFormat its_format, Random& random)
      : format(its_format),
        segments(1 + Below(random, 3)),
        limits{20 + Below(random, 180)},
        rule(RandomRule(random)) {
    int milliseconds = 0;
    for (std::string& segment : segments) {
      for (uint32_t lines = Below(random, 12); lines > 0; --lines) {
        milliseconds += Below(random, 8) == 0 ? 200 : 10;
        segment += RandomLine(format, milliseconds, random);
      }
      if (Below(random, 3) == 0 && !segment.empty()) segment.pop_back();  // ends without newline
    }
  }
  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const std::string& segment : segments) sum += segment.size();
    return sum;
  }
};

struct Reader {
  explicit Reader(const Log& its_log) : log(its_log), multiline({log.rule}, log.limits) {}

  /// Reads `bytes` from the cursor on; true if everything was consumed.
  bool Lease(uint64_t bytes, bool full = false, bool close = false) {
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
    const bool at_end = pieces.back().last && pieces.back().segment + 1 == log.segments.size();
    const Position open_end = close ? Position{9, 0} : Position{};
    const Chunk chunk{pieces, after, full && !at_end, close, open_end};
    if (joined) {
      multiline.Decode(0, log.format, chunk, &decoded);
    } else {
      Decode(log.format, chunk, log.limits, &decoded);
    }
    Check(pieces);
    for (const Record& r : decoded.records) {
      seen.push_back({std::string(r.body), std::string(r.time), r.begin, r.end, r.content, r.stream,
                      r.cut, r.boundary});
    }
    cursor = decoded.consumed;
    after = decoded.after;
    corrupt_bytes += decoded.corrupt_bytes;
    corrupt_lines += decoded.corrupt_lines;
    return cursor.segment + 1 == log.segments.size() && cursor.offset == log.segments.back().size();
  }

  void Check(const std::vector<ChunkPiece>& pieces) const {
    uint64_t accounted = decoded.corrupt_bytes;
    for (const Record& record : decoded.records) {
      accounted += record.source_bytes;
      EXPECT_LE(record.body.size(), log.limits.record_bytes_max);
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

  /// Reads to the end, and takes what is open there: first blocks, then what the decoder waits for.
  void Finish() {
    Lease(1 << 20);
    Lease(1 << 20, false, true);
    Lease(1 << 20, false, true);
  }

  /// All that was written to a stream, in lines.
  std::string Text(Stream stream) const {
    std::string text;
    for (const Seen& record : seen) {
      if (record.stream == stream) text += record.body + "\n";
    }
    return text;
  }

  const Log& log;
  Multiline multiline;
  bool joined = true;
  Decoded decoded;
  Position cursor;
  Continuation after;
  std::vector<Seen> seen;
  uint64_t corrupt_bytes = 0;
  uint64_t corrupt_lines = 0;
};

void ExpectSame(const Reader& got, const Reader& want) {
  EXPECT_EQ(got.seen, want.seen);
  EXPECT_EQ(got.corrupt_bytes, want.corrupt_bytes);
  EXPECT_EQ(got.corrupt_lines, want.corrupt_lines);
  EXPECT_EQ(got.cursor, want.cursor);
}

/// Between two boundaries lie whole units: none reaches out.
void CheckBoundaries(const std::vector<Seen>& seen) {
  for (size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i].boundary) continue;
    for (size_t k = 0; k < seen.size(); ++k) {
      EXPECT_TRUE(k <= i ? seen[k].end <= seen[i].end : seen[i].end <= seen[k].begin)
          << i << " " << k;
    }
  }
}

class MultilineProperty : public ::testing::TestWithParam<LogFormat> {};

INSTANTIATE_TEST_SUITE_P(Formats, MultilineProperty,
                         ::testing::Values(LogFormat::kCri, LogFormat::kJsonFile),
                         [](const auto& format) {
                           return format.param == LogFormat::kCri ? "Cri" : "JsonFile";
                         });

TEST_P(MultilineProperty, EveryCutGivesTheSameBlocks) {
  size_t joined = 0;
  for (uint32_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Log log(GetParam(), random);
    Reader want(log);
    want.Finish();
    CheckBoundaries(want.seen);
    for (const Seen& block : want.seen) joined += block.body.find('\n') != block.body.npos;
    Reader got(log);
    for (uint64_t cut = 0; cut <= log.bytes(); ++cut) {
      got.cursor = {};
      got.after = {};
      got.seen.clear();
      got.corrupt_bytes = got.corrupt_lines = 0;
      got.Lease(cut);
      got.Finish();
      ExpectSame(got, want);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(joined, 20u);
}

TEST_P(MultilineProperty, ManyLeasesGiveTheSameBlocks) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Log log(GetParam(), random);
    Reader want(log);
    want.Finish();
    Reader got(log);
    uint64_t bytes = 0;
    bool done = false;
    for (int leases = 0; leases < 300 && !done; ++leases) {
      const Position before = got.cursor;
      bytes = 1 + Below(random, 60) + bytes;
      done = got.Lease(bytes);
      if (got.cursor != before) bytes = 0;
    }
    got.Finish();  // the log may end with an open block
    ExpectSame(got, want);
    if (HasFailure()) return;
  }
}

TEST_P(MultilineProperty, ARestartAtEveryBoundaryGivesTheSameBlocks) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Log log(GetParam(), random);
    Reader want(log);
    want.Lease(1 << 20);
    for (size_t i = 0; i < want.seen.size(); ++i) {
      if (!want.seen[i].boundary) continue;
      Reader got(log);
      got.cursor = want.seen[i].end;
      got.Lease(1 << 20);
      EXPECT_EQ(got.seen,
                std::vector(want.seen.begin() + static_cast<int64_t>(i) + 1, want.seen.end()));
      if (HasFailure()) return;
    }
  }
}

TEST_P(MultilineProperty, NoLineIsLost) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Log log(GetParam(), random);
    Reader plain(log);
    plain.joined = false;
    plain.Finish();
    Reader got(log);
    got.Finish();
    for (const Stream stream : {Stream::kStdout, Stream::kStderr})
      EXPECT_EQ(got.Text(stream), plain.Text(stream));
    EXPECT_EQ(got.cursor, plain.cursor);
    EXPECT_EQ(got.corrupt_lines, plain.corrupt_lines);
    if (HasFailure()) return;
  }
}

TEST_P(MultilineProperty, FullChunksAlwaysMakeProgress) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Log log(GetParam(), random);
    const uint64_t chunk_bytes = 50 + Below(random, 300);
    Reader got(log);
    for (bool done = log.bytes() == 0; !done;) {
      const Position before = got.cursor;
      done = got.Lease(chunk_bytes, true, true);
      ASSERT_TRUE(done || got.cursor > before);
    }
  }
}

}  // namespace
}  // namespace hinomi
