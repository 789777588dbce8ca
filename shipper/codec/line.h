// What a log format says about one physical line. Only for the codec.
#pragma once

#include <cstdint>
#include <string_view>

#include "shipper/batch.h"

namespace hinomi {

enum class LineState : uint8_t {
  kValid,
  kInvalid,     // no continuation of these bytes makes it valid
  kIncomplete,  // valid as far as it goes
};

struct LineHead {
  std::string_view time;
  Stream stream = Stream::kNone;
  bool partial = false;   // more of this record follows
  std::string_view body;  // within the line, as it is written there
  size_t body_bytes = 0;  // once decoded; as many as are written when nothing of it is encoded
};

/// The first part of a body that is cut.
struct BodyCut {
  size_t written = 0;  // bytes in the line
  size_t bytes = 0;    // once decoded
};

inline bool ContinuesSequence(char byte) { return (static_cast<uint8_t>(byte) & 0xc0) == 0x80; }

/// Length of the UTF-8 sequence that begins with `lead`, 1 for what begins none.
inline size_t SequenceBytesOf(char lead) {
  const auto byte = static_cast<uint8_t>(lead);
  return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
}

}  // namespace hinomi
