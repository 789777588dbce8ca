#include "shipper/compress/gzip.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/check.h"

namespace hinomi {

namespace {
constexpr size_t kFirstCapacityBytes = 64 << 10;
}  // namespace

struct GzipCompressor::Stream {
  isal_zstream z;
  std::unique_ptr<uint8_t[]> level_buffer;
};

GzipCompressor::GzipCompressor(int level) : stream_(new Stream) {
  constexpr uint32_t kLevelBufferBytes[] = {ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT,
                                            ISAL_DEF_LVL3_DEFAULT};
  CHECK(level >= 1 && level <= 3);
  const uint32_t bytes = kLevelBufferBytes[level - 1];
  stream_->level_buffer = std::make_unique<uint8_t[]>(bytes);
  isal_deflate_init(&stream_->z);
  stream_->z.level = static_cast<uint32_t>(level);
  stream_->z.level_buf = stream_->level_buffer.get();
  stream_->z.level_buf_size = bytes;
}

GzipCompressor::~GzipCompressor() = default;

void GzipCompressor::Grow() {
  const size_t used = capacity_ - stream_->z.avail_out;
  const size_t capacity = std::max(kFirstCapacityBytes, capacity_ * 2);
  // Not make_unique: it would write zeros over memory that is about to be filled.
  std::unique_ptr<std::byte[]> out(new std::byte[capacity]);
  if (used > 0) memcpy(out.get(), out_.get(), used);
  out_ = std::move(out);
  capacity_ = capacity;
  stream_->z.next_out = reinterpret_cast<uint8_t*>(out_.get()) + used;
  stream_->z.avail_out = static_cast<uint32_t>(capacity - used);
}

void GzipCompressor::Begin() {
  isal_zstream& z = stream_->z;
  isal_deflate_reset(&z);
  z.gzip_flag = IGZIP_GZIP;  // set anew: writing the header changes it
  z.flush = NO_FLUSH;
  z.next_out = reinterpret_cast<uint8_t*>(out_.get());
  z.avail_out = static_cast<uint32_t>(capacity_);
}

void GzipCompressor::Run(std::string_view part, bool last) {
  isal_zstream& z = stream_->z;
  // The library only reads; its interface predates const.
  z.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(part.data()));
  z.avail_in = static_cast<uint32_t>(part.size());
  z.end_of_stream = last;
  for (;;) {
    if (z.avail_out == 0) Grow();
    CHECK(isal_deflate(&z) == COMP_OK);
    if (last ? z.internal_state.state == ZSTATE_END : z.avail_in == 0) return;
  }
}

std::string_view GzipCompressor::End() {
  Run({}, /*last=*/true);
  return {reinterpret_cast<const char*>(out_.get()), capacity_ - stream_->z.avail_out};
}

std::string_view GzipCompressor::Compress(std::span<const std::string_view> parts) {
  Begin();
  for (size_t i = 0; i + 1 < parts.size(); ++i) Add(parts[i]);
  Run(parts.empty() ? std::string_view() : parts.back(), /*last=*/true);
  return {reinterpret_cast<const char*>(out_.get()), capacity_ - stream_->z.avail_out};
}

}  // namespace hinomi
