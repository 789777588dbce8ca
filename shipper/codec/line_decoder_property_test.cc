// Whatever the places at which a log is cut into chunks: the same records, and every byte accounted
// for.
#include <string>
#include <vector>

#include "base/json_text.h"
#include "shipper/codec/lease_fixture.h"

namespace hinomi {
namespace {

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

SegmentedLog RandomLog(LogFormat format, Random& random) {
  SegmentedLog log{format, std::vector<std::string>(1 + Below(random, 3)), {4 + Below(random, 40)}};
  for (std::string& segment : log.segments) {
    for (uint32_t lines = Below(random, 10); lines > 0; --lines)
      segment += RandomLine(format, random);
    if (Below(random, 3) == 0 && !segment.empty()) segment.pop_back();  // ends without newline
  }
  return log;
}

LeaseReader ReaderOf(const SegmentedLog& log) {
  return {log, [&log](const Chunk& chunk, Decoded* decoded) {
            Decode(log.format, chunk, log.limits, decoded);
          }};
}

LeaseReader ReadAtOnce(const SegmentedLog& log) {
  LeaseReader reader = ReaderOf(log);
  reader.Lease(1 << 20);
  return reader;
}

using LineDecoderProperty = DecoderProperty;

INSTANTIATE_TEST_SUITE_P(Formats, LineDecoderProperty,
                         ::testing::Values(LogFormat::kCri, LogFormat::kJsonFile), FormatName);

TEST_P(LineDecoderProperty, EveryCutGivesTheSameRecords) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const SegmentedLog log = RandomLog(GetParam(), random);
    const LeaseReader want = ReadAtOnce(log);
    CheckBoundaries(want.seen);
    for (uint64_t cut = 0; cut <= log.bytes(); ++cut) {
      LeaseReader got = ReaderOf(log);
      got.Lease(cut);
      got.Lease(1 << 20);
      ExpectSame(got, want);
      if (HasFailure()) return;
    }
  }
}

TEST_P(LineDecoderProperty, ManyLeasesGiveTheSameRecords) {
  for (uint32_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const SegmentedLog log = RandomLog(GetParam(), random);
    LeaseReader got = ReaderOf(log);
    got.LeaseAtRandom(random);
    got.Lease(1 << 20);  // the log may end with an open record
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
