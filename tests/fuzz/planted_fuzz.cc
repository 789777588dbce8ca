// Crashes on its seed, so that the tests show that a crash turns them red.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CHECK(std::string_view(reinterpret_cast<const char*>(data), size) != "crash");
  return 0;
}
