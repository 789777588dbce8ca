// The checkpoint's reader against any bytes: it must refuse or accept them, and what it accepts
// must survive being written again. The checksum keeps a fuzzer out, so the bytes are also tried as
// the JSON under a valid header.
#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "base/check.h"
#include "shipper/checkpoint_format.h"

namespace {

void Try(std::string_view text) {
  const hinomi::Result<hinomi::CheckpointState> state = hinomi::DecodeCheckpoint(text);
  if (!state) return;
  const std::string again = EncodeCheckpoint(*state);
  const hinomi::Result<hinomi::CheckpointState> second = hinomi::DecodeCheckpoint(again);
  CHECK(second.ok());
  CHECK(EncodeCheckpoint(*second) == again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Try(bytes);
  Try(fmt::format("hinomi-checkpoint {} 1 {} {}\n{}", hinomi::kCheckpointVersion, size,
                  ToHex(hinomi::Hash128Of(bytes, 1)), bytes));
  return 0;
}
