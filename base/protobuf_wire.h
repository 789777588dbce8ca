// The few rules of protobuf's wire format, for messages that are written by hand: a field is a tag,
// and behind the tag of text, bytes or a message their length. Knows no message.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hinomi {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2 };

inline constexpr size_t kVarintBytesMax = 10;

/// Of a field whose number is below 16: one byte.
constexpr char WireTag(uint32_t field, WireType type) {
  return static_cast<char>(field << 3 | static_cast<uint32_t>(type));
}

constexpr size_t VarintBytes(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}

/// Writes VarintBytes(value) bytes; returns where they end.
inline char* PutVarint(uint64_t value, char* out) {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<char>(value | 0x80);
  *out++ = static_cast<char>(value);
  return out;
}

/// Writes tag and length of a field of kBytes; returns where they end.
inline char* PutFieldHead(uint32_t field, uint64_t bytes, char* out) {
  *out++ = WireTag(field, WireType::kBytes);
  return PutVarint(bytes, out);
}

/// Of a field of kBytes, whole.
constexpr size_t FieldBytes(uint64_t bytes) { return 1 + VarintBytes(bytes) + bytes; }

inline void AppendFieldHead(uint32_t field, uint64_t bytes, std::string* out) {
  char head[1 + kVarintBytesMax];
  out->append(head, static_cast<size_t>(PutFieldHead(field, bytes, head) - head));
}

inline void AppendField(uint32_t field, std::string_view content, std::string* out) {
  AppendFieldHead(field, content.size(), out);
  *out += content;
}

inline void AppendVarintField(uint32_t field, uint64_t value, std::string* out) {
  char bytes[1 + kVarintBytesMax] = {WireTag(field, WireType::kVarint)};
  out->append(bytes, static_cast<size_t>(PutVarint(value, bytes + 1) - bytes));
}

/// Bytes of the field of kBytes that `message` begins with; 0 if it does not.
inline size_t FirstFieldBytes(std::string_view message) {
  if (message.empty() || (message[0] & 7) != static_cast<char>(WireType::kBytes)) return 0;
  uint64_t bytes = 0;
  size_t at = 1;
  for (uint32_t shift = 0; at < message.size() && shift < 7 * kVarintBytesMax; shift += 7) {
    const auto part = static_cast<uint8_t>(message[at++]);
    bytes |= uint64_t{part & 0x7fu} << shift;
    if (part < 0x80) return bytes <= message.size() - at ? at + bytes : 0;
  }
  return 0;
}

}  // namespace hinomi
