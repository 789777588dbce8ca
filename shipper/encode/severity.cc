#include "shipper/encode/severity.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json_text.h"

namespace hinomi {
namespace {

constexpr size_t kTextBytesMax = 16;

// Both in lower case.
constexpr std::array<std::string_view, 9> kKeys = {"level",     "severity",      "log.level",
                                                   "log_level", "loglevel",      "levelname",
                                                   "lvl",       "severity_text", "severitytext"};
constexpr std::array<std::pair<std::string_view, uint32_t>, 26> kWords = {{
    {"info", 9},       {"warn", 13},
    {"error", 17},     {"debug", 5},
    {"trace", 1},      {"warning", 13},
    {"fatal", 21},     {"notice", 10},
    {"err", 17},       {"crit", 18},
    {"critical", 21},  {"information", 9},
    {"i", 9},          {"w", 13},
    {"e", 17},         {"d", 5},
    {"t", 1},          {"f", 21},
    {"alert", 19},     {"emerg", 21},
    {"panic", 19},     {"informational", 9},
    {"emergency", 21}, {"dpanic", 18},
    {"severe", 17},    {"verbose", 5},
}};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool IsWord(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(),
                    [](char one, char other) { return Lower(one) == other; });
}

bool IsKey(std::string_view key) {
  const char front = key.empty() ? '\0' : Lower(key.front());
  return (front == 'l' || front == 's') &&
         std::any_of(kKeys.begin(), kKeys.end(),
                     [key](std::string_view wanted) { return IsWord(key, wanted); });
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// Tens from 10 (trace) to 60 (fatal).
uint32_t OfNumber(std::string_view digits) {
  if (digits.size() != 2 || digits[1] != '0' || digits[0] < '1' || digits[0] > '6') return 0;
  return static_cast<uint32_t>(digits[0] - '1') * 4 + 1;
}

uint32_t OfWord(std::string_view word) {
  for (const auto& [lower, number] : kWords) {
    if (IsWord(word, lower)) return number;
  }
  return 0;
}

bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }

/// Runs over JSON as far as it looks like an object.
class Members {
 public:
  explicit Members(std::string_view text) : rest_(text.substr(0, kSeverityWithin)) {
    SkipSpace();
    if (!Take('{')) rest_ = {};
  }

  /// To the value of the next member whose key is one of kKeys.
  bool Find() {
    while (true) {
      SkipSpace();
      if (!Take('"')) return false;
      const size_t bytes = PlainJsonBytes(rest_);
      const std::string_view key = rest_.substr(0, bytes);
      const bool found = bytes < rest_.size() && rest_[bytes] == '"' && IsKey(key);
      SkipString();
      SkipSpace();
      if (!Take(':')) return false;
      SkipSpace();
      if (found) return true;
      SkipValue();
      if (!Take(',')) return false;
    }
  }

  /// The value here: what is between the quotes of a plain string, or digits; else nothing.
  std::string_view Value() {
    if (!Take('"')) {
      const auto* const end = std::find_if_not(rest_.begin(), rest_.end(), IsDigit);
      return rest_.substr(0, static_cast<size_t>(end - rest_.begin()));
    }
    const size_t bytes = PlainJsonBytes(rest_);
    return bytes < rest_.size() && rest_[bytes] == '"' ? rest_.substr(0, bytes)
                                                       : std::string_view();
  }

 private:
  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void SkipSpace() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) {
      rest_.remove_prefix(1);
    }
  }
  /// From behind the opening quote to behind the closing one.
  void SkipString() {
    while (true) {
      rest_.remove_prefix(PlainJsonBytes(rest_));
      if (rest_.empty()) return;
      const size_t bytes = rest_.front() == '\\' ? 2 : 1;
      const bool end = rest_.front() == '"';
      rest_.remove_prefix(std::min(bytes, rest_.size()));
      if (end) return;
    }
  }
  /// To the comma or brace behind it.
  void SkipValue() {
    for (size_t depth = 0; !rest_.empty();) {
      const char c = rest_.front();
      if (depth == 0 && (c == ',' || c == '}')) return;
      rest_.remove_prefix(1);
      if (c == '"') SkipString();
      if (c == '{' || c == '[') ++depth;
      if (depth > 0 && (c == '}' || c == ']')) --depth;
    }
  }

  std::string_view rest_;
};

}  // namespace

Severity SeverityOf(std::string_view body) {
  if (!body.starts_with('{') && !body.starts_with(' ')) return {};
  Members members(body);
  if (!members.Find()) return {};
  const std::string_view text = members.Value();
  if (text.size() > kTextBytesMax || !std::all_of(text.begin(), text.end(), IsPrintable)) return {};
  const bool number = !text.empty() && IsDigit(text.front());
  return {text, number ? OfNumber(text) : OfWord(text)};
}

}  // namespace hinomi
