// The one thing that reading and writing JSON strings share: running over the bytes that stand for
// themselves.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace hinomi {

/// How many bytes at the beginning of `text` stand for themselves in a JSON string: up to the first
/// quote, backslash or control character. Any byte from 0x80 on counts as standing for itself.
inline size_t PlainJsonBytes(std::string_view text) {
  static_assert(std::endian::native == std::endian::little,
                "the first byte of a word is found by its lowest bit");
  constexpr uint64_t kOnes = 0x0101010101010101u;
  constexpr uint64_t kTops = 0x8080808080808080u;
  constexpr size_t kWordBytes = sizeof(uint64_t);
  // The top bit of the first byte that is `c` is set, and of none before it.
  const auto find = [](uint64_t word, char c) {
    const uint64_t difference = word ^ (kOnes * static_cast<uint8_t>(c));
    return (difference - kOnes) & ~difference;
  };
  size_t at = 0;
  for (; at + kWordBytes <= text.size(); at += kWordBytes) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof word);
    const uint64_t control = (word - kOnes * 0x20) & ~word;
    const uint64_t found = (control | find(word, '"') | find(word, '\\')) & kTops;
    if (found != 0) return at + static_cast<size_t>(std::countr_zero(found)) / 8;
  }
  const auto plain = [](char c) {
    return static_cast<uint8_t>(c) >= 0x20 && c != '"' && c != '\\';
  };
  while (at < text.size() && plain(text[at])) ++at;
  return at;
}

}  // namespace hinomi
