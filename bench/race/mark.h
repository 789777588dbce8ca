// The mark by which the race knows a line again, wherever a shipper puts it: at the line's begin
// `~race:POD:SEQUENCE:MICROSECONDS`, at its end `~ecar:POD:SEQUENCE`. No byte of it changes when it
// is quoted, escaped or moved into another document. The generator writes marks, the counting sink
// finds them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hinomi::race {

inline constexpr uint64_t kPodsMax = 100'000;
inline constexpr uint64_t kSequencesMax = 100'000'000;  // of one pod

struct Mark {
  uint64_t pod = 0;
  uint64_t sequence = 0;              // from 0, without gaps within a pod
  uint64_t written_microseconds = 0;  // Unix time
  bool operator==(const Mark&) const = default;
};

void AppendHead(const Mark& mark, std::string* out);
void AppendTail(const Mark& mark, std::string* out);

/// The mark of the one line that `document` holds, in several copies perhaps. None if it holds no
/// line, more than one, or not all of one.
std::optional<Mark> FindMark(std::string_view document);

}  // namespace hinomi::race
