// The words that the kernel's text files are made of.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hinomi {

/// Takes what stands before the next newline; nothing at the end.
inline std::optional<std::string_view> TakeLine(std::string_view* text) {
  if (text->empty()) return std::nullopt;
  const size_t end = text->find('\n');
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return line;
}

/// Takes the next word; empty at the end. Spaces and tabs lie between words.
inline std::string_view TakeWord(std::string_view* text) {
  const size_t begin = text->find_first_not_of(" \t");
  text->remove_prefix(begin == std::string_view::npos ? text->size() : begin);
  const std::string_view word = text->substr(0, text->find_first_of(" \t\n"));
  text->remove_prefix(word.size());
  return word;
}

/// The whole of `word` as a decimal number; nothing if it is anything else, or too large.
inline std::optional<uint64_t> ParseCount(std::string_view word, int base = 10) {
  uint64_t value = 0;
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  if (code != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

inline std::optional<double> ParseDouble(std::string_view word) {
  double value = 0;
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (code != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

/// Error corrupt: `file` does not hold `expected`.
inline Error Unexpected(std::string_view file, std::string_view expected) {
  return {ErrorKind::kCorrupt,
          "cannot parse \"" + std::string(file) + "\": expected " + std::string(expected)};
}

}  // namespace hinomi
