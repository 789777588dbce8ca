// Any bytes as a configuration file: it loads or says why, and what loads is printed as a file that
// loads to the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "config/load.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const hinomi::Loaded first = hinomi::LoadConfigText(text, {});
  if (!first.errors.empty()) return 0;
  const hinomi::Loaded second = hinomi::LoadConfigText(hinomi::Dump(first), {});
  CHECK(second.errors.empty());
  // The first file has another layout, so only from here on are the origins the same too.
  const hinomi::Loaded third = hinomi::LoadConfigText(hinomi::Dump(second), {});
  CHECK(hinomi::Dump(third) == hinomi::Dump(second));
  return 0;
}
