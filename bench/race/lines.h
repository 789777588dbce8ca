// What the containers of the race write: lines with a mark, of varying length and fields. The same
// seed, pod and sequence give the same line but for its times. Knows nothing of files.
#pragma once

#include <cstdint>
#include <string>

#include "bench/race/mark.h"

namespace hinomi::race {

enum class Kind : uint8_t { kJson, kPlain, kMixed };

inline constexpr uint32_t kBodyBytesMean = 218;

/// Appends what the container printed, without newline: kBodyBytesMean bytes on average.
void AppendBody(Kind kind, uint64_t seed, const Mark& mark, std::string* out);

/// Appends lines as containerd writes them: CRI prefix, body, newline.
class LineWriter {
 public:
  LineWriter(Kind kind, uint64_t seed) : kind_(kind), seed_(seed) {}

  /// `now_nanoseconds` is Unix time; the mark takes it too.
  void Append(uint64_t pod, uint64_t sequence, uint64_t now_nanoseconds, std::string* out);

 private:
  const Kind kind_;
  const uint64_t seed_;
  uint64_t second_ = 0;
  std::string second_text_;  // of second_, up to the decimal point
};

}  // namespace hinomi::race
