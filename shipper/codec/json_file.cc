#include "shipper/codec/json_file.h"

#include <array>
#include <cstring>
#include <string>

#include "base/json_text.h"
#include "base/rfc3339.h"
#include "shipper/codec/line_decoder.h"

namespace hinomi {
namespace {

constexpr size_t kNone = std::string_view::npos;
constexpr size_t kUnicodeEscapeBytes = 6;  // \uXXXX
constexpr uint32_t kReplacement = 0xfffd;

/// By the character behind a backslash: what the two stand for; zero if not for one character.
constexpr std::array<char, 256> kMeanings = [] {
  std::array<char, 256> meanings{};
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kCharacters = "\"\\/\b\f\n\r\t";
  for (size_t i = 0; i < kLetters.size(); ++i) {
    meanings[static_cast<uint8_t>(kLetters[i])] = kCharacters[i];
  }
  return meanings;
}();

/// One escape sequence.
struct Escape {
  size_t written = 0;  // 0 when it is none
  uint32_t code = 0;   // point
};

/// The XXXX of \uXXXX at the beginning of `text`; kNone when it is none.
size_t ParseUnicode(std::string_view text) {
  if (text.size() < kUnicodeEscapeBytes || text[0] != '\\' || text[1] != 'u') return kNone;
  size_t code = 0;
  for (const char c : text.substr(2, 4)) {
    const char lower = static_cast<char>(c | 0x20);
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (lower < 'a' || lower > 'f')) return kNone;
    code = code << 4 | static_cast<size_t>(digit ? c - '0' : lower - 'a' + 10);
  }
  return code;
}

/// The escape at the beginning of `text`, which starts with a backslash. Half of a surrogate pair
/// alone stands for no character.
Escape ParseEscape(std::string_view text) {
  const char meaning = text.size() < 2 ? '\0' : kMeanings[static_cast<uint8_t>(text[1])];
  if (meaning != '\0') return {2, static_cast<uint32_t>(meaning)};
  const size_t first = ParseUnicode(text);
  if (first == kNone) return {};
  if (first < 0xd800 || first > 0xdfff) return {kUnicodeEscapeBytes, static_cast<uint32_t>(first)};
  const size_t second = first < 0xdc00 ? ParseUnicode(text.substr(kUnicodeEscapeBytes)) : kNone;
  if (second < 0xdc00 || second > 0xdfff) return {kUnicodeEscapeBytes, kReplacement};
  const size_t code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
  return {2 * kUnicodeEscapeBytes, static_cast<uint32_t>(code)};
}

size_t Utf8Bytes(uint32_t code) {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/// Returns the end of what it writes.
char* WriteUtf8(uint32_t code, char* to) {
  const size_t bytes = Utf8Bytes(code);
  constexpr uint8_t kLeads[] = {0, 0, 0xc0, 0xe0, 0xf0};
  *to++ = static_cast<char>(bytes == 1 ? code : kLeads[bytes] | code >> (6 * (bytes - 1)));
  for (size_t left = bytes - 1; left-- > 0;) {
    *to++ = static_cast<char>(0x80 | (code >> (6 * left) & 0x3f));
  }
  return to;
}

/// A string's content, from behind its first quote.
struct StringScan {
  size_t written = kNone;  // bytes up to its closing quote; kNone when it is not valid
  size_t bytes = 0;        // once decoded
  bool line_feed = false;  // the last character is an escaped line feed
};

StringScan ScanString(std::string_view text) {
  StringScan scan;
  size_t at = 0;
  while (true) {
    const size_t plain = PlainJsonBytes(text.substr(at));
    at += plain;
    scan.bytes += plain;
    if (plain > 0) scan.line_feed = false;
    if (at == text.size() || (text[at] != '"' && text[at] != '\\')) return scan;
    if (text[at] == '"') {
      scan.written = at;
      return scan;
    }
    const Escape escape = ParseEscape(text.substr(at));
    if (escape.written == 0) return scan;
    scan.line_feed = escape.written == 2 && escape.code == '\n';
    scan.bytes += Utf8Bytes(escape.code);
    at += escape.written;
  }
}

/// Length of the member at the beginning of `text`, up to the comma or brace behind it; kNone when
/// there is none. Looks at strings and brackets only.
size_t MemberBytes(std::string_view text) {
  if (!text.starts_with('"')) return kNone;
  int depth = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      const StringScan skipped = ScanString(text.substr(at + 1));
      if (skipped.written == kNone) return kNone;
      at += 1 + skipped.written;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth == 0 && (c == ',' || c == '}')) {
      return at;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      return kNone;
    }
  }
  return kNone;
}

/// The members of a line, one after the other.
class Members {
 public:
  explicit Members(LineHead* head) : head_(*head) {}

  /// Reads the member at the beginning of `text`: its length, or kNone.
  size_t Take(std::string_view text) {
    constexpr std::string_view kLog = "\"log\":\"";
    constexpr std::string_view kStream = "\"stream\":\"std";
    constexpr std::string_view kTime = "\"time\":\"";
    if (text.starts_with(kLog)) {
      const size_t bytes = TakeLog(text.substr(kLog.size()));
      return bytes == kNone ? kNone : kLog.size() + bytes;
    }
    if (text.starts_with(kStream)) {
      const std::string_view name = text.substr(kStream.size(), 4);
      if (name == "out\"") head_.stream = Stream::kStdout;
      if (name == "err\"") head_.stream = Stream::kStderr;
      return kStream.size() + 4;
    }
    if (text.starts_with(kTime)) {
      const size_t bytes = text.substr(kTime.size(), kRfc3339BytesMax + 1).find('"');
      if (bytes == kNone) return kNone;
      head_.time = text.substr(kTime.size(), bytes);
      return kTime.size() + bytes + 1;
    }
    return MemberBytes(text);
  }

  bool complete() const {
    return has_log_ && head_.stream != Stream::kNone && IsRfc3339(head_.time);
  }

 private:
  size_t TakeLog(std::string_view text) {
    const StringScan scan = ScanString(text);
    if (scan.written == kNone) return kNone;
    const size_t line_feed_written = scan.line_feed ? 2 : 0;
    head_.body = text.substr(0, scan.written - line_feed_written);
    head_.body_bytes = scan.bytes - (scan.line_feed ? 1 : 0);
    head_.partial = !scan.line_feed;
    has_log_ = true;
    return scan.written + 1;
  }

  LineHead& head_;
  bool has_log_ = false;
};

struct JsonFileFormat {
  static constexpr bool kHeadFirst = false;  // the time comes last

  static LineState Parse(std::string_view line, LineHead* head) {
    if (!line.starts_with('{')) return LineState::kInvalid;
    if (!line.ends_with('}')) {
      return line.find('\0') == kNone ? LineState::kIncomplete : LineState::kInvalid;
    }
    *head = {};
    Members members(head);
    size_t at = 1;
    while (true) {
      const size_t bytes = members.Take(line.substr(at));
      if (bytes == kNone || at + bytes >= line.size()) return LineState::kInvalid;
      at += bytes;
      if (line[at] == '}') break;
      if (line[at] != ',') return LineState::kInvalid;
      ++at;
    }
    return at + 1 == line.size() && members.complete() ? LineState::kValid : LineState::kInvalid;
  }

  static BodyCut Cut(std::string_view body, size_t bytes_max) {
    BodyCut cut;
    while (true) {
      size_t written = 0;
      size_t bytes = 0;
      if (body[cut.written] == '\\') {
        const Escape escape = ParseEscape(body.substr(cut.written));
        written = escape.written;
        bytes = Utf8Bytes(escape.code);
      } else {
        // What begins like a sequence may be none: it ends before an escape in any case.
        const std::string_view sequence =
            body.substr(cut.written, SequenceBytesOf(body[cut.written]));
        written = bytes = std::min(sequence.size(), sequence.find('\\'));
      }
      if (cut.written > 0 && cut.bytes + bytes > bytes_max) return cut;
      cut.written += written;
      cut.bytes += bytes;
    }
  }

  /// Between escapes there are but a few bytes: whole words are copied, over the end of either
  /// side, where the chunk's padding and the arena's are.
  static void Decode(std::string_view body, std::string* out) {
    constexpr size_t kWordBytes = sizeof(uint64_t);
    static_assert(kWordBytes <= Chunk::kPadding);
    const size_t before = out->size();
    out->resize(before + body.size() + kWordBytes);
    char* to = out->data() + before;
    while (true) {
      const size_t plain = PlainJsonBytes(body);
      for (size_t at = 0; at < plain; at += kWordBytes) {
        std::memcpy(to + at, body.data() + at, kWordBytes);
      }
      to += plain;
      if (plain == body.size()) break;
      const Escape escape = ParseEscape(body.substr(plain));
      to = WriteUtf8(escape.code, to);
      body.remove_prefix(plain + escape.written);
    }
    out->resize(static_cast<size_t>(to - out->data()));
  }
};

}  // namespace

void DecodeJsonFile(const Chunk& chunk, const DecodeLimits& limits, Decoded* out) {
  LineDecoder<JsonFileFormat>(chunk, limits, out).Run();
}

}  // namespace hinomi
