// Whatever the places at which a log is cut into chunks: the same blocks, every byte accounted for,
// and no line lost.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "shipper/codec/lease_fixture.h"
#include "shipper/codec/multiline.h"

namespace hinomi {
namespace {

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

SegmentedLog RandomLog(LogFormat format, Random& random) {
  SegmentedLog log{
      format, std::vector<std::string>(1 + Below(random, 3)), {20 + Below(random, 180)}};
  int milliseconds = 0;
  for (std::string& segment : log.segments) {
    for (uint32_t lines = Below(random, 12); lines > 0; --lines) {
      milliseconds += Below(random, 8) == 0 ? 200 : 10;
      segment += RandomLine(format, milliseconds, random);
    }
    if (Below(random, 3) == 0 && !segment.empty()) segment.pop_back();  // ends without newline
  }
  return log;
}

/// Of a random log, by a random rule.
struct Blocks : LeaseReader {
  Blocks(const SegmentedLog& log, const MultilineConfig& rule)
      : LeaseReader(log,
                    [&log, multiline = std::make_shared<Multiline>(std::vector{rule}, log.limits)](
                        const Chunk& chunk, Decoded* decoded) {
                      multiline->Decode(0, log.format, chunk, decoded);
                    }) {}
};

/// Reads to the end, and takes what is open there: first blocks, then what the decoder waits for.
void Finish(LeaseReader& reader) {
  reader.Lease(1 << 20);
  reader.Lease(1 << 20, {false, true});
  reader.Lease(1 << 20, {false, true});
}

/// All that was written to a stream, in lines.
std::string TextOf(const LeaseReader& reader, Stream stream) {
  std::string text;
  for (const Seen& record : reader.seen) {
    if (record.stream == stream) text += record.body + "\n";
  }
  return text;
}

class MultilineProperty : public DecoderProperty {
 protected:
  /// Until a check fails.
  template <typename Check>
  static void ForRandomLogs(uint32_t seeds, Check&& check) {
    for (uint32_t seed = 0; seed < seeds && !HasFailure(); ++seed) {
      SCOPED_TRACE(seed);
      Random random(seed);
      const SegmentedLog log = RandomLog(GetParam(), random);
      const MultilineConfig rule = RandomRule(random);
      check(log, rule, random);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Formats, MultilineProperty,
                         ::testing::Values(LogFormat::kCri, LogFormat::kJsonFile), FormatName);

TEST_P(MultilineProperty, EveryCutGivesTheSameBlocks) {
  size_t joined = 0;
  ForRandomLogs(20, [&](const SegmentedLog& log, const MultilineConfig& rule, Random&) {
    Blocks want(log, rule);
    Finish(want);
    CheckBoundaries(want.seen);
    for (const Seen& block : want.seen) joined += block.body.find('\n') != block.body.npos;
    Blocks got(log, rule);
    for (uint64_t cut = 0; cut <= log.bytes(); ++cut) {
      got.cursor = {};
      got.after = {};
      got.seen.clear();
      got.corrupt_bytes = got.corrupt_lines = 0;
      got.Lease(cut);
      Finish(got);
      ExpectSame(got, want);
      if (HasFailure()) return;
    }
  });
  EXPECT_GT(joined, 10u);
}

TEST_P(MultilineProperty, ManyLeasesGiveTheSameBlocks) {
  ForRandomLogs(200, [&](const SegmentedLog& log, const MultilineConfig& rule, Random& random) {
    Blocks want(log, rule);
    Finish(want);
    Blocks got(log, rule);
    got.LeaseAtRandom(random);
    Finish(got);  // the log may end with an open block
    ExpectSame(got, want);
  });
}

TEST_P(MultilineProperty, ARestartAtEveryBoundaryGivesTheSameBlocks) {
  ForRandomLogs(200, [&](const SegmentedLog& log, const MultilineConfig& rule, Random&) {
    Blocks want(log, rule);
    want.Lease(1 << 20);
    for (size_t i = 0; i < want.seen.size(); ++i) {
      if (!want.seen[i].boundary) continue;
      Blocks got(log, rule);
      got.cursor = want.seen[i].end;
      got.Lease(1 << 20);
      EXPECT_EQ(got.seen,
                std::vector(want.seen.begin() + static_cast<int64_t>(i) + 1, want.seen.end()));
      if (HasFailure()) return;
    }
  });
}

TEST_P(MultilineProperty, NoLineIsLost) {
  ForRandomLogs(200, [&](const SegmentedLog& log, const MultilineConfig& rule, Random&) {
    LeaseReader plain(log, [&log](const Chunk& chunk, Decoded* decoded) {
      Decode(log.format, chunk, log.limits, decoded);
    });
    Finish(plain);
    Blocks got(log, rule);
    Finish(got);
    for (const Stream stream : {Stream::kStdout, Stream::kStderr})
      EXPECT_EQ(TextOf(got, stream), TextOf(plain, stream));
    EXPECT_EQ(got.cursor, plain.cursor);
    EXPECT_EQ(got.corrupt_lines, plain.corrupt_lines);
  });
}

TEST_P(MultilineProperty, FullChunksAlwaysMakeProgress) {
  ForRandomLogs(200, [&](const SegmentedLog& log, const MultilineConfig& rule, Random& random) {
    const uint64_t chunk_bytes = 50 + Below(random, 300);
    Blocks got(log, rule);
    for (bool done = log.bytes() == 0; !done;) {
      const Position before = got.cursor;
      done = got.Lease(chunk_bytes, {true, true});
      ASSERT_TRUE(done || got.cursor > before);
    }
  });
}

}  // namespace
}  // namespace hinomi
