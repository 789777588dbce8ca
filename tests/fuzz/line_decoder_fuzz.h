// A line decoder against any bytes, cut into two chunks at any place: every byte that it consumes
// is accounted for, it always comes to an end, and the cut changes no record. The first bytes
// choose limit, cut and flags.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "shipper/codec/codec.h"

namespace hinomi::fuzz {

struct Log {
  std::function<void(const Chunk&, Decoded*)> decode;
  std::string bytes;  // with padding
  size_t size = 0;
  uint64_t record_bytes_max = 0;

  std::string_view Part(size_t begin, size_t end) const {
    return std::string_view(bytes).substr(begin, end - begin);
  }
};

inline void CheckAccounts(const Decoded& decoded, uint64_t begin, uint64_t record_bytes_max) {
  uint64_t accounted = decoded.corrupt_bytes;
  for (const Record& record : decoded.records) {
    CHECK(record.begin.offset >= begin && record.end <= decoded.consumed);
    CHECK(record.body.size() <= record_bytes_max && record.body.size() <= record.source_bytes);
    accounted += record.source_bytes;
  }
  CHECK(accounted == decoded.consumed.offset - begin);
}

/// Reads [0, cut), then from the cursor on to the end; the hash of all records' contents and ends.
inline uint64_t Read(const Log& log, size_t cut) {
  uint64_t hash = 0;
  uint64_t at = 0;
  Continuation after;
  for (const size_t end : {cut, log.size}) {
    const ChunkPiece piece{0, 1, at, log.Part(at, end), end == log.size};
    const Chunk chunk{{&piece, 1}, after, false, false};
    Decoded decoded;
    log.decode(chunk, &decoded);
    CheckAccounts(decoded, at, log.record_bytes_max);
    for (const Record& record : decoded.records) {
      hash = Hash64Of(record.body,
                      hash ^ record.content.low ^ record.begin.offset ^ record.end.offset);
    }
    at = decoded.consumed.offset;
    after = decoded.after;
  }
  return hash;
}

/// Full chunks with nothing open left behind: each must make progress.
inline void ReadInFullChunks(const Log& log, size_t chunk_bytes) {
  uint64_t at = 0;
  Continuation after;
  while (at < log.size) {
    const size_t end = std::min(log.size, at + chunk_bytes);
    const ChunkPiece piece{0, 1, at, log.Part(at, end), false};
    const Chunk chunk{{&piece, 1}, after, end < log.size, true};
    Decoded decoded;
    log.decode(chunk, &decoded);
    CheckAccounts(decoded, at, log.record_bytes_max);
    if (end == log.size && decoded.consumed.offset == at) return;  // a header that is not complete
    CHECK(decoded.consumed.offset > at);
    at = decoded.consumed.offset;
    after = decoded.after;
  }
}

/// What the first kChoiceBytes of an input choose: limit, cut, and length of full chunks.
inline constexpr size_t kChoiceBytes = 3;

inline Log LogOf(const uint8_t* data, size_t size) {
  Log log;
  log.record_bytes_max = 4 + data[0];
  log.size = size - kChoiceBytes;
  log.bytes.assign(reinterpret_cast<const char*>(data) + kChoiceBytes, log.size);
  log.bytes.append(Chunk::kPadding, '\n');
  return log;
}

inline void CheckDecoder(const Log& log, const uint8_t* data) {
  const size_t cut = log.size * data[1] / 255;
  CHECK(Read(log, cut) == Read(log, 0));
  ReadInFullChunks(log, 1 + 4 * size_t{data[2]});
}

inline void DecodeAnyBytes(LogFormat format, const uint8_t* data, size_t size) {
  if (size < kChoiceBytes) return;
  Log log = LogOf(data, size);
  log.decode = [format, &log](const Chunk& chunk, Decoded* out) {
    Decode(format, chunk, {log.record_bytes_max}, out);
  };
  CheckDecoder(log, data);
}

}  // namespace hinomi::fuzz
