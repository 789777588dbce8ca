// The CRI decoder against any bytes.
#include "tests/fuzz/line_decoder_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hinomi::fuzz::DecodeAnyBytes(hinomi::LogFormat::kCri, data, size);
  return 0;
}
