#include "bench/race/inflate.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <cstdint>

namespace hinomi::race {

struct Inflater::State {
  inflate_state gzip;
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> zstd{ZSTD_createDCtx(), ZSTD_freeDCtx};
};

Inflater::Inflater() : state_(std::make_unique<State>()) {}
Inflater::~Inflater() = default;

std::optional<std::string_view> Inflater::Inflate(std::string_view encoding,
                                                  std::string_view body) {
  if (encoding.empty() || encoding == "identity") return body;
  if (encoding == "gzip") return InflateGzip(body);
  if (encoding == "zstd") return InflateZstd(body);
  return std::nullopt;
}

std::optional<std::string_view> Inflater::InflateGzip(std::string_view body) {
  inflate_state& gzip = state_->gzip;
  isal_inflate_init(&gzip);
  gzip.crc_flag = ISAL_GZIP;
  gzip.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(body.data()));
  gzip.avail_in = static_cast<uint32_t>(body.size());
  size_t size = 0;
  do {
    Grow(size);
    gzip.next_out = reinterpret_cast<uint8_t*>(buffer_.data() + size);
    gzip.avail_out = static_cast<uint32_t>(buffer_.size() - size);
    const uint32_t room = gzip.avail_out;
    if (isal_inflate(&gzip) != ISAL_DECOMP_OK) return std::nullopt;
    size += room - gzip.avail_out;
    if (room == gzip.avail_out && gzip.block_state != ISAL_BLOCK_FINISH) return std::nullopt;
  } while (gzip.block_state != ISAL_BLOCK_FINISH);
  return std::string_view(buffer_).substr(0, size);
}

std::optional<std::string_view> Inflater::InflateZstd(std::string_view body) {
  ZSTD_DCtx_reset(state_->zstd.get(), ZSTD_reset_session_only);
  ZSTD_inBuffer in{body.data(), body.size(), 0};
  size_t size = 0;
  size_t wanted = 1;  // 0 at the end of a frame
  while (in.pos < in.size || wanted > 0) {
    Grow(size);
    ZSTD_outBuffer out{buffer_.data() + size, buffer_.size() - size, 0};
    const size_t taken_before = in.pos;
    wanted = ZSTD_decompressStream(state_->zstd.get(), &out, &in);
    if (ZSTD_isError(wanted) != 0) return std::nullopt;
    if (in.pos == taken_before && out.pos == 0) return std::nullopt;
    size += out.pos;
  }
  return std::string_view(buffer_).substr(0, size);
}

void Inflater::Grow(size_t size) {
  if (buffer_.size() - size < (1 << 20)) buffer_.resize(buffer_.size() + (8 << 20));
}

}  // namespace hinomi::race
