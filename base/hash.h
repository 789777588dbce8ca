// Non-cryptographic hashes (XXH3) for identities and checksums. xxHash stays behind this file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hinomi {

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const Hash128&) const = default;
};

uint64_t Hash64Of(std::string_view bytes, uint64_t seed = 0);
Hash128 Hash128Of(std::string_view bytes, uint64_t seed = 0);
/// 32 lower-case hexadecimal digits, high half first.
std::string ToHex(Hash128 hash);

}  // namespace hinomi
