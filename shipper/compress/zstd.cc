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

void ZstdCompressor::Compress(std::span<const std::string_view> parts, std::string* out) {
  ZSTD_CCtx* zstd = context_->zstd;
  size_t total = 0;
  for (const std::string_view part : parts) total += part.size();
  CHECK(!ZSTD_isError(ZSTD_CCtx_reset(zstd, ZSTD_reset_session_only)));
  CHECK(!ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(zstd, total)));
  const size_t begin = out->size();
  out->resize(begin + ZSTD_compressBound(total));  // it cannot get larger, so every call ends
  ZSTD_outBuffer output{out->data() + begin, out->size() - begin, 0};
  for (size_t i = 0; i < parts.size(); ++i) {
    ZSTD_inBuffer input{parts[i].data(), parts[i].size(), 0};
    while (input.pos < input.size) {
      CHECK(!ZSTD_isError(ZSTD_compressStream2(zstd, &output, &input, ZSTD_e_continue)));
    }
  }
  ZSTD_inBuffer nothing{nullptr, 0, 0};
  CHECK(ZSTD_compressStream2(zstd, &output, &nothing, ZSTD_e_end) == 0);
  out->resize(begin + output.pos);
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
