// Blocks of lines from any bytes, cut into two chunks at any place: every byte that is consumed is
// accounted for, the cut changes no block, and joined again they are what the decoder made of the
// bytes.
#include "shipper/codec/multiline.h"
#include "tests/fuzz/line_decoder_fuzz.h"

namespace {

using hinomi::Chunk;
using hinomi::ChunkPiece;
using hinomi::Decoded;
using hinomi::LogFormat;
using hinomi::MultilineConfig;
using hinomi::MultilinePreset;
using hinomi::Record;
using hinomi::Stream;

constexpr hinomi::Position kFarBehind = {1, 0};

struct Seen {
  uint64_t hash = 0;  // of what the blocks are and where they lie
  std::string text[2];
  uint64_t corrupt_lines = 0;
  bool operator==(const Seen&) const = default;
};

/// Reads [0, cut), then to the end, then what is open there: blocks first, then what the decoder
/// waits for.
Seen ReadAll(const hinomi::fuzz::Log& log, size_t cut) {
  Seen seen;
  uint64_t at = 0;
  hinomi::Continuation after;
  for (int lease = 0; lease < 4; ++lease) {
    const size_t end = lease == 0 ? cut : log.size;
    const ChunkPiece piece{0, 1, at, log.Part(at, end), end == log.size};
    const Chunk chunk{{&piece, 1}, after, false, lease > 1, kFarBehind};
    Decoded decoded;
    log.decode(chunk, &decoded);
    hinomi::fuzz::CheckAccounts(decoded, at, log.record_bytes_max);
    for (const Record& record : decoded.records) {
      seen.hash = hinomi::Hash64Of(
          record.body, seen.hash ^ record.content.low ^ record.begin.offset ^ record.end.offset);
      std::string& text = seen.text[record.stream == Stream::kStderr];
      text += record.body;
      text += '\n';
    }
    seen.corrupt_lines += decoded.corrupt_lines;
    at = decoded.consumed.offset;
    after = decoded.after;
  }
  CHECK(at == log.size);
  return seen;
}

MultilineConfig RuleOf(uint8_t choice) {
  MultilineConfig rule;
  const uint8_t kind = choice % 5;
  if (kind == 0) rule.start = R"(^\S)";
  if (kind == 1) rule.continues = R"(^\s)";
  if (kind > 1) rule.preset = static_cast<MultilinePreset>(kind - 1);
  rule.lines_max = 2 + choice / 10;
  return rule;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size <= hinomi::fuzz::kChoiceBytes) return 0;
  const uint8_t choice = *data++;
  hinomi::fuzz::Log log = hinomi::fuzz::LogOf(data, size - 1);
  const LogFormat format = choice / 5 % 2 == 0 ? LogFormat::kCri : LogFormat::kJsonFile;
  const hinomi::DecodeLimits limits{log.record_bytes_max};
  log.decode = [&](const Chunk& chunk, Decoded* out) { Decode(format, chunk, limits, out); };
  const Seen lines = ReadAll(log, 0);
  hinomi::Multiline multiline({RuleOf(choice)}, limits);
  log.decode = [&](const Chunk& chunk, Decoded* out) { multiline.Decode(0, format, chunk, out); };
  const Seen blocks = ReadAll(log, 0);
  CHECK(blocks == ReadAll(log, log.size * data[1] / 255));
  for (const size_t stream : {0, 1}) CHECK(blocks.text[stream] == lines.text[stream]);
  CHECK(blocks.corrupt_lines == lines.corrupt_lines);
  hinomi::fuzz::ReadInFullChunks(log, 1 + 4 * size_t{data[2]});
  return 0;
}
