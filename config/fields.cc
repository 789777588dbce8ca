#include "config/fields.h"

#include <fmt/core.h>

namespace hinomi {

void Fields::Text(std::string_view key, std::string* value, std::string_view help, Check check) {
  Scalar scalar{key, help, "text", "text", ScalarKind::kText, {}, {}};
  scalar.set = [value, check](std::string_view text) {
    std::string problem = check(text);
    if (problem.empty()) *value = text;
    return problem;
  };
  scalar.get = [value] { return *value; };
  Visit(scalar);
}

void Fields::Flag(std::string_view key, bool* value, std::string_view help) {
  Scalar scalar{key, help, "true, false", "true or false", ScalarKind::kFlag, {}, {}};
  scalar.set = [value](std::string_view text) -> std::string {
    if (text != "true" && text != "false") return "expected true or false, got " + Quoted(text);
    *value = text == "true";
    return "";
  };
  scalar.get = [value] { return *value ? "true" : "false"; };
  Visit(scalar);
}

void Fields::Number(std::string_view key, uint64_t* value, std::string_view help,
                    Range<uint64_t> range) {
  std::string expected = fmt::format("a whole number from {} to {}", range.min, range.max);
  const std::string span = fmt::format("{} to {}", range.min, range.max);
  Scalar scalar{key, help, span, expected, ScalarKind::kNumber, {}, {}, {}, range};
  scalar.set = [value, range, expected](std::string_view text) -> std::string {
    std::optional<uint64_t> number = ParseNumber(text);
    if (!number || *number < range.min || *number > range.max) {
      return fmt::format("expected {}, got {}", expected, Quoted(text));
    }
    *value = *number;
    return "";
  };
  scalar.get = [value] { return std::to_string(*value); };
  Visit(scalar);
}

void Fields::Size(std::string_view key, uint64_t* value, std::string_view help,
                  Range<uint64_t> range) {
  std::string span = fmt::format("{} to {}", FormatSize(range.min), FormatSize(range.max));
  Scalar scalar{key, help, "size, " + span, "a size such as 1MiB", ScalarKind::kSize, {}, {}};
  scalar.set = [value, range, span](std::string_view text) -> std::string {
    std::optional<uint64_t> size = ParseSize(text);
    if (!size) return "expected a size such as 1MiB, got " + Quoted(text);
    if (*size < range.min || *size > range.max) {
      return fmt::format("expected a size from {}, got {}", span, Quoted(text));
    }
    *value = *size;
    return "";
  };
  scalar.get = [value] { return FormatSize(*value); };
  Visit(scalar);
}

void Fields::Time(std::string_view key, Nanoseconds* value, std::string_view help,
                  Range<Nanoseconds> range) {
  std::string span = fmt::format("{} to {}", FormatDuration(range.min), FormatDuration(range.max));
  Scalar scalar{key, help, "duration, " + span, "a duration such as 5s", ScalarKind::kTime, {}, {}};
  scalar.set = [value, range, span](std::string_view text) -> std::string {
    std::optional<Nanoseconds> duration = ParseDuration(text);
    if (!duration) return "expected a duration such as 200ms, 5s or 24h, got " + Quoted(text);
    if (*duration < range.min || *duration > range.max) {
      return fmt::format("expected a duration from {}, got {}", span, Quoted(text));
    }
    *value = *duration;
    return "";
  };
  scalar.get = [value] { return FormatDuration(*value); };
  Visit(scalar);
}

std::string EnvironmentName(std::string_view path) {
  std::string name = "HINOMI_";
  for (char c : path) {
    if (c >= 'a' && c <= 'z') {
      name += static_cast<char>(c - 'a' + 'A');
    } else {
      name += (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
    }
  }
  return name;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

}  // namespace hinomi
