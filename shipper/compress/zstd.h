// Bytes on their way to a file become one zstd frame, and back. libzstd stays behind this file.
// Knows nothing of what is inside.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hinomi {

/// Makes one frame after another in one context, whose memory is reused. One thread at a time.
class ZstdCompressor {
 public:
  /// `level` in [1, 19]: 1 is fast, 19 is small.
  explicit ZstdCompressor(int level);
  ~ZstdCompressor();
  ZstdCompressor(const ZstdCompressor&) = delete;
  ZstdCompressor& operator=(const ZstdCompressor&) = delete;

  /// `parts` one after another as one frame (RFC 8878), with content size and checksum. The result
  /// belongs to the compressor and is valid until the next call.
  std::string_view Compress(std::span<const std::string_view> parts);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  std::string joined_;  // several parts
  std::unique_ptr<char[]> out_;
  size_t capacity_ = 0;
};

/// Reads frames piece by piece in constant memory; skippable frames are passed over. One thread at
/// a time.
class ZstdDecompressor {
 public:
  ZstdDecompressor();
  ~ZstdDecompressor();
  ZstdDecompressor(const ZstdDecompressor&) = delete;
  ZstdDecompressor& operator=(const ZstdDecompressor&) = delete;

  /// Hands the content of the next `bytes` to `take`, in any pieces, as long as that returns true;
  /// then the rest of `bytes` is dropped. Errors: corrupt, the checksum included; Reset comes next.
  Result<void> Decompress(std::string_view bytes,
                          const std::function<bool(std::string_view)>& take);
  /// True when all bytes so far were whole frames.
  bool complete() const { return complete_; }
  void Reset();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  bool complete_ = true;
};

}  // namespace hinomi
