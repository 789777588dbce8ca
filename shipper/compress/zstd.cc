#include "shipper/compress/zstd.h"

#include <zstd.h>

#include "base/check.h"

namespace hinomi {

struct ZstdCompressor::Context {
  ZSTD_CCtx* zstd = ZSTD_createCCtx();
  Context() { CHECK(zstd != nullptr); }
  ~Context() { ZSTD_freeCCtx(zstd); }
};

ZstdCompressor::ZstdCompressor(int level) : context_(new Context) {
  CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context_->zstd, ZSTD_c_compressionLevel, level)));
  CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context_->zstd, ZSTD_c_checksumFlag, 1)));
}

ZstdCompressor::~ZstdCompressor() = default;

std::string_view ZstdCompressor::Compress(std::span<const std::string_view> parts) {
  // In one piece it needs no copy of its own; and nearly always there is one part.
  std::string_view content = parts.empty() ? std::string_view() : parts[0];
  if (parts.size() > 1) {
    joined_.clear();
    for (const std::string_view part : parts) joined_ += part;
    content = joined_;
  }
  const size_t bound = ZSTD_compressBound(content.size());
  if (capacity_ < bound) {
    // Not make_unique: it would write zeros over memory that is about to be filled.
    out_.reset(new char[bound]);
    capacity_ = bound;
  }
  const size_t size =
      ZSTD_compress2(context_->zstd, out_.get(), capacity_, content.data(), content.size());
  CHECK(!ZSTD_isError(size));
  return {out_.get(), size};
}

struct ZstdDecompressor::Context {
  ZSTD_DCtx* zstd = ZSTD_createDCtx();
  std::string out;
  Context() : out(ZSTD_DStreamOutSize(), '\0') { CHECK(zstd != nullptr); }
  ~Context() { ZSTD_freeDCtx(zstd); }
};

ZstdDecompressor::ZstdDecompressor() : context_(new Context) {}

ZstdDecompressor::~ZstdDecompressor() = default;

void ZstdDecompressor::Reset() {
  CHECK(!ZSTD_isError(ZSTD_DCtx_reset(context_->zstd, ZSTD_reset_session_only)));
  complete_ = true;
}

Result<void> ZstdDecompressor::Decompress(std::string_view bytes,
                                          const std::function<bool(std::string_view)>& take) {
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  bool more = false;  // the last call filled its output, so there may be more of the same input
  while (input.pos < input.size || more) {
    ZSTD_outBuffer output{context_->out.data(), context_->out.size(), 0};
    const size_t left = ZSTD_decompressStream(context_->zstd, &output, &input);
    if (ZSTD_isError(left)) {
      return Error{ErrorKind::kCorrupt,
                   std::string("cannot decompress a frame: ") + ZSTD_getErrorName(left)};
    }
    complete_ = left == 0;
    more = output.pos == output.size && !complete_;
    if (output.pos > 0 && !take({context_->out.data(), output.pos})) return {};
  }
  return {};
}

}  // namespace hinomi
