// Several lines, one record: a stage right behind the decoder that joins the records of a stream to
// blocks, such as a stack trace. Like the decoder it keeps nothing between two calls: which lines
// belong together follows from their bytes.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "shipper/codec/codec.h"
#include "shipper/codec/multiline_rule.h"

namespace hinomi {

/// One per worker; not for two threads at once.
class Multiline {
 public:
  /// The rules' patterns are valid.
  Multiline(const std::vector<MultilineConfig>& rules, const DecodeLimits& limits);

  /// Decodes `chunk` as Decode of codec.h does, whose contract holds for blocks as it does for
  /// records, and joins by the rule of that index. New bodies live until the next call.
  ///
  /// - A block's lines are joined by line feeds. Its time is that of its first line; its content's
  /// hash is made of theirs.
  /// - It waits at the end of the chunk until a line comes that does not continue it, a line of
  /// either stream
  ///   with a time more than the rule's wait behind its last line's, or kBytesBehindMax of the
  ///   other stream.
  /// - It is cut before the line that is one too many or does not fit, which begins a new one. A
  /// record that the
  ///   decoder cut is the last of its block.
  /// - close_open ends blocks that end up to chunk.open_end; they are not marked, since that is how
  /// the last one of a log
  ///   ends. The decoder's own open record is closed only if nothing before it could be taken.
  /// - Corrupt lines end no block.
  void Decode(uint32_t rule, LogFormat format, const Chunk& chunk, Decoded* out);

  /// How much of the other stream may lie behind a block's last line and its next.
  static constexpr uint64_t kBytesBehindMax = 64 << 10;

 private:
  std::vector<MultilineRule> rules_;
  const DecodeLimits limits_;
  // Kept for their memory.
  std::array<std::string, 2> arenas_;  // joined bodies of stdout, stderr
  Decoded recounted_;
};

}  // namespace hinomi
