// For tests of codecs: decodes some segments and shows the records as text.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "shipper/codec/codec.h"

namespace hinomi {

struct DecodedTextInput {
  std::vector<std::string> segments;  // all but the last are final
  bool last = false;                  // and that one too
  bool full = false;
  bool close_open = false;
  uint64_t record_bytes_max = 100;
  uint64_t offset = 0;
  Continuation before = {};
  Position open_end = {};
};

/// Decodes and shows the records as "body", with ~ for cut and | for a boundary behind it.
struct DecodedText {
  DecodedText(LogFormat format, DecodedTextInput in)
      : DecodedText(
            [&](const Chunk& chunk) { Decode(format, chunk, {in.record_bytes_max}, &decoded); },
            in) {}
  /// `decode` fills in `decoded`.
  template <typename Decoder>
  DecodedText(const Decoder& decode, DecodedTextInput in) : input(std::move(in)) {
    std::vector<ChunkPiece> pieces;
    for (std::string& segment : input.segments) {
      const size_t bytes = segment.size();
      segment.append(Chunk::kPadding, '\n');
      const bool last = &segment != &input.segments.back() || input.last;
      const auto index = static_cast<uint32_t>(pieces.size());
      pieces.push_back({index, 1000 + index, pieces.empty() ? input.offset : 0,
                        std::string_view(segment).substr(0, bytes), last});
    }
    decode({pieces, input.before, input.full, input.close_open, input.open_end});
    uint64_t covered = decoded.corrupt_bytes;
    for (const Record& record : decoded.records) {
      text += std::string(record.cut ? "~" : "") + std::string(record.body) +
              (record.boundary ? "|" : " ");
      covered += record.source_bytes;
    }
    uint64_t consumed =
        decoded.consumed.offset - (decoded.consumed.segment == 0 ? input.offset : 0);
    for (uint32_t i = 0; i < decoded.consumed.segment; ++i) consumed += pieces[i].data.size();
    EXPECT_EQ(covered, consumed) << text;
  }
  DecodedTextInput input;
  Decoded decoded;
  std::string text;
};

}  // namespace hinomi
