#include "shipper/encode/escape.h"

#include <simdjson.h>

#include <cstdint>
#include <cstring>

#include "base/json_text.h"

namespace hinomi {
namespace {

constexpr uint64_t kTops = 0x8080808080808080u;
constexpr size_t kWordBytes = sizeof(uint64_t);

uint64_t LoadWord(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

bool IsAscii(std::string_view text) {
  uint64_t tops = 0;
  size_t at = 0;
  for (; at + kWordBytes <= text.size(); at += kWordBytes) tops |= LoadWord(text.data() + at);
  for (; at < text.size(); ++at) tops |= static_cast<uint8_t>(text[at]);
  return (tops & kTops) == 0;
}

void AppendEscapeOf(char c, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
    case '\\':
      *out += {'\\', c};
      return;
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    default:
      *out += "\\u00";
      *out += {kHex[static_cast<uint8_t>(c) >> 4], kHex[c & 0xf]};
  }
}

void AppendValid(std::string_view text, std::string* out) {
  while (true) {
    const size_t plain = PlainJsonBytes(text);
    out->append(text.substr(0, plain));
    if (plain == text.size()) return;
    AppendEscapeOf(text[plain], out);
    text.remove_prefix(plain + 1);
  }
}

/// Length of the UTF-8 sequence at the beginning of `text`, 0 if there is none.
/// Source: The Unicode Standard 15.0, table 3-7.
size_t SequenceBytes(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const size_t bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < bytes) return 0;
  const uint8_t second_min = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const uint8_t second_max = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (at(1) < second_min || at(1) > second_max) return 0;
  for (size_t i = 2; i < bytes; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  return bytes;
}

bool IsUtf8(std::string_view text) {
  return IsAscii(text) || simdjson::validate_utf8(text.data(), text.size());
}

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

/// Calls `take` with all of `text`, piece by piece: what is UTF-8, and each other byte replaced.
template <typename Take>
void Repair(std::string_view text, Take take) {
  size_t valid = 0;
  while (valid < text.size()) {
    const size_t bytes = SequenceBytes(text.substr(valid));
    valid += bytes;
    if (bytes > 0) continue;
    take(text.substr(0, valid));
    take(kReplacement);
    text.remove_prefix(valid + 1);
    valid = 0;
  }
  take(text);
}

}  // namespace

void AppendEscaped(std::string_view text, std::string* out) {
  if (IsUtf8(text)) {
    AppendValid(text, out);
  } else {
    Repair(text, [out](std::string_view piece) { AppendValid(piece, out); });
  }
}

void AppendUtf8(std::string_view text, std::string* out) {
  if (IsUtf8(text)) {
    *out += text;
  } else {
    Repair(text, [out](std::string_view piece) { *out += piece; });
  }
}

size_t Utf8Bytes(std::string_view text) {
  if (IsUtf8(text)) return text.size();
  size_t bytes = 0;
  Repair(text, [&bytes](std::string_view piece) { bytes += piece.size(); });
  return bytes;
}

}  // namespace hinomi
