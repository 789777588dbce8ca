// Bytes on their way to a sink become one gzip member. ISA-L stays behind this file. Knows nothing
// of what is inside.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace hinomi {

/// Compresses one request after another. Its buffers grow to the largest result and are then
/// reused: no allocation in the steady state. One thread at a time.
class GzipCompressor {
 public:
  /// `level` in [1, 3]: 1 is fast, 3 is small.
  explicit GzipCompressor(int level = 1);
  ~GzipCompressor();
  GzipCompressor(const GzipCompressor&) = delete;
  GzipCompressor& operator=(const GzipCompressor&) = delete;

  /// `parts` one after another as one gzip member (RFC 1952). Less than 4 GiB in all. The
  /// result belongs to the compressor and is valid until the next call.
  std::string_view Compress(std::span<const std::string_view> parts);

  // The same, where the parts are not there all at once.
  void Begin();
  void Add(std::string_view part) { Run(part, /*last=*/false); }
  std::string_view End();

 private:
  struct Stream;
  void Grow();
  void Run(std::string_view part, bool last);

  std::unique_ptr<Stream> stream_;
  std::unique_ptr<std::byte[]> out_;
  size_t capacity_ = 0;
};

}  // namespace hinomi
