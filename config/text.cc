#include "config/text.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <limits>

#include "base/pattern.h"
#include "base/result.h"
#include "base/time_zone.h"
#include "config/name_parts.h"

namespace hinomi {
namespace {

constexpr size_t kQuotedSizeMax = 80;
constexpr size_t kNameSizeMax = 63;
constexpr size_t kTopicSizeMax = 249;  // Kafka's limit
constexpr size_t kIndexSizeMax = 255;  // bytes, Elasticsearch's limit
constexpr size_t kYearSize = 4;

struct Unit {
  std::string_view name;
  uint64_t factor;
};
constexpr Unit kSizeUnits[] = {
    {"GiB", 1 << 30},  {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1'000'000'000},
    {"MB", 1'000'000}, {"kB", 1000},     {"B", 1},         {"", 1}};
constexpr Unit kDurationUnits[] = {{"d", 86'400'000'000'000},
                                   {"h", 3'600'000'000'000},
                                   {"m", 60'000'000'000},
                                   {"s", 1'000'000'000},
                                   {"ms", 1'000'000}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::optional<uint64_t> ParseWithUnit(std::string_view text, std::span<const Unit> units) {
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::optional<uint64_t> number = ParseNumber(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name != text.substr(digits)) continue;
    // The same bound for both: a duration must fit into signed nanoseconds.
    if (*number > std::numeric_limits<int64_t>::max() / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return std::nullopt;
}

size_t EditDistance(std::string_view one, std::string_view other) {
  std::vector<size_t> row(other.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (size_t i = 0; i < one.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < other.size(); ++j) {
      size_t change = diagonal + (one[i] == other[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// Length of the UTF-8 sequence at the start of `text`, 0 if there is none.
size_t SequenceSize(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return 1;
  size_t size = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (byte(0) == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
  if (byte(0) == 0xED && byte(1) > 0x9F) return 0;  // surrogate
  if (byte(0) == 0xF0 && byte(1) < 0x90) return 0;  // overlong
  if (byte(0) == 0xF4 && byte(1) > 0x8F) return 0;  // beyond Unicode
  return size;
}

bool IsPort(std::string_view text) {
  std::optional<uint64_t> port = ParseNumber(text);
  return port && *port <= 65535;
}

bool IsHost(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    in6_addr address;
    return inet_pton(AF_INET6, std::string(text.substr(1, text.size() - 2)).c_str(), &address) == 1;
  }
  auto in_name = [](char c) {
    return IsLetter(c) || IsDigit(c) || c == '-' || c == '.' || c == '_';
  };
  if (text.empty() || text.front() == '-' || !std::all_of(text.begin(), text.end(), in_name)) {
    return false;
  }
  if (text.find_first_not_of("0123456789.") != std::string_view::npos) return true;
  in_addr address;
  return inet_pton(AF_INET, std::string(text).c_str(), &address) == 1;
}

/// Where the port's colon is in host[:port]; npos without one.
size_t PortColon(std::string_view authority) {
  size_t colon = authority.rfind(':');
  size_t bracket = authority.rfind(']');
  bool within_brackets = bracket != std::string_view::npos && colon < bracket;
  return within_brackets ? std::string_view::npos : colon;
}

bool IsHostAndPort(std::string_view text) {
  const size_t colon = PortColon(text);
  const std::string_view port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  return IsPort(port) && port != "0" && IsHost(text.substr(0, colon));
}

}  // namespace

size_t ValidTextSize(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && text[at] != '\0') {
    size_t size = SequenceSize(text.substr(at));
    if (size == 0) break;
    at += size;
  }
  return at;
}

std::string Quoted(std::string_view text) {
  std::string shown(text.substr(0, kQuotedSizeMax));
  // The @ is looked for in all of the text: cutting must not hide it.
  size_t scheme = text.find("://");
  size_t at = text.rfind('@');
  if (scheme != std::string_view::npos && at != std::string_view::npos && at > scheme) {
    shown = std::string(text.substr(0, std::min(scheme + 3, kQuotedSizeMax))) + "***" +
            std::string(text.substr(at, kQuotedSizeMax));
  }
  shown.resize(ValidTextSize(shown));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return '"' + shown + (text.size() > kQuotedSizeMax ? "…\"" : "\"");
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<PortRange> ParsePortRange(std::string_view text) {
  const size_t dash = std::min(text.find('-'), text.size());
  const std::optional<uint64_t> first = ParseNumber(text.substr(0, dash));
  const std::optional<uint64_t> last =
      dash == text.size() ? first : ParseNumber(text.substr(dash + 1));
  if (!first || !last || *first == 0 || *last < *first || *last > 65535) return std::nullopt;
  return PortRange{static_cast<uint16_t>(*first), static_cast<uint16_t>(*last)};
}

std::optional<uint64_t> ParseSize(std::string_view text) { return ParseWithUnit(text, kSizeUnits); }

std::string FormatSize(uint64_t bytes) {
  std::string shortest = std::to_string(bytes);
  for (const Unit& unit : kSizeUnits) {
    if (bytes == 0 || bytes % unit.factor != 0 || unit.factor == 1) continue;
    std::string text = std::to_string(bytes / unit.factor).append(unit.name);
    if (text.size() <= shortest.size()) shortest = text;
  }
  return shortest;
}

std::optional<Nanoseconds> ParseDuration(std::string_view text) {
  std::optional<uint64_t> nanoseconds = ParseWithUnit(text, kDurationUnits);
  if (!nanoseconds) return std::nullopt;
  return Nanoseconds(static_cast<int64_t>(*nanoseconds));
}

std::string FormatDuration(Nanoseconds duration) {
  uint64_t count = static_cast<uint64_t>(duration.count());
  if (count == 0) return "0s";
  for (const Unit& unit : std::span(kDurationUnits).subspan(1)) {
    if (count % unit.factor == 0) return std::to_string(count / unit.factor).append(unit.name);
  }
  return std::to_string(count / 1'000'000) + "ms";
}

std::string_view NearestOf(std::string_view text, std::span<const std::string> candidates) {
  std::string_view nearest;
  if (text.size() < 2 || text.size() > kNameSizeMax) return nearest;
  size_t best = std::min<size_t>(2, text.size() / 2) + 1;
  for (const std::string& candidate : candidates) {
    size_t distance = EditDistance(text, candidate);
    // Someone who writes "password" means "password_file".
    if (text.size() >= 4 && candidate.starts_with(text)) distance = 1;
    if (distance >= best) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

std::string Suggestion(std::string_view text, std::span<const std::string> candidates) {
  std::string_view nearest = NearestOf(text, candidates);
  return nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest);
}

std::string CheckText(std::string_view text) {
  auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  if (ValidTextSize(text) == text.size() && std::none_of(text.begin(), text.end(), is_control)) {
    return "";
  }
  return "expected UTF-8 text without control characters, got " + Quoted(text);
}

std::string CheckNotEmpty(std::string_view text) {
  return text.empty() ? "expected text, got \"\"" : CheckText(text);
}

std::string CheckName(std::string_view text) {
  auto in_name = [](char c) { return IsLetter(c) || IsDigit(c) || c == '-' || c == '_'; };
  if (!text.empty() && text.size() <= kNameSizeMax &&
      std::all_of(text.begin(), text.end(), in_name)) {
    return "";
  }
  return "expected a name of 1 to 63 letters, digits, - and _, got " + Quoted(text);
}

std::string CheckListen(std::string_view text) {
  size_t colon = PortColon(text);
  if (colon != std::string_view::npos && IsPort(text.substr(colon + 1)) &&
      (colon == 0 || IsHost(text.substr(0, colon)))) {
    return "";
  }
  return "expected an address such as 127.0.0.1:9797, :9797 or [::1]:9797, got " + Quoted(text);
}

std::string CheckEndpoint(std::string_view text) {
  std::string_view authority = text;
  for (std::string_view scheme : {"http://", "https://"}) {
    if (text.starts_with(scheme)) authority.remove_prefix(scheme.size());
  }
  if (authority.size() < text.size()) {
    if (authority.find('@') != std::string_view::npos) {
      return fmt::format("expected no credentials in {}; use username and password_file",
                         Quoted(text));
    }
    size_t colon = PortColon(authority);
    bool port_good = colon == std::string_view::npos ||
                     (IsPort(authority.substr(colon + 1)) && authority.substr(colon + 1) != "0");
    if (port_good && IsHost(authority.substr(0, colon))) return "";
  }
  return "expected http(s)://host[:port] without a path, got " + Quoted(text);
}

std::string CheckIndex(std::string_view text) {
  constexpr std::string_view kWords[] = {"cluster", "namespace", "pod", "container",
                                         "year",    "month",     "day"};
  auto is_forbidden = [](unsigned char c) {
    return c < 0x21 || c == 0x7F || (c >= 'A' && c <= 'Z') ||
           std::string_view("\\/*?\"<>|,#:{}").find(static_cast<char>(c)) != std::string_view::npos;
  };
  bool good = !text.empty() && text != "." && text != ".." &&
              std::string_view("-_+{").find(text.front()) == std::string_view::npos &&
              ValidTextSize(text) == text.size();
  size_t size = 0;
  for (const NamePart& part : NameParts(text)) {
    if (part.is_word &&
        std::find(std::begin(kWords), std::end(kWords), part.text) == std::end(kWords)) {
      return fmt::format(
          "expected {{cluster}}, {{namespace}}, {{pod}}, {{container}}, {{year}}, {{month}} or "
          "{{day}}, got {{{}}} in {}",
          part.text, Quoted(text));
    }
    good = good && (part.is_word || std::none_of(part.text.begin(), part.text.end(), is_forbidden));
    size += !part.is_word           ? part.text.size()
            : IsDateWord(part.text) ? kYearSize
                                    : kIndexWordBytesMax;
  }
  if (good && size <= kIndexSizeMax) return "";
  return "expected the name of an index or data stream (1 to 255 bytes, a word in braces counted "
         "as "
         "63, lower case, no space or \\/*?\"<>|,#:, not starting with -, _, + or a word), got " +
         Quoted(text);
}

std::string CheckTimeZone(std::string_view text) {
  const Result<TimeZone> zone = TimeZone::Load(std::string(text));
  return zone.ok() ? "" : zone.error().message;
}

std::string CheckBroker(std::string_view text) {
  if (IsHostAndPort(text)) return "";
  return "expected a broker such as 127.0.0.1:9092, got " + Quoted(text);
}

std::string CheckCollector(std::string_view text) {
  if (IsHostAndPort(text)) return "";
  return "expected a collector such as 127.0.0.1:4317, got " + Quoted(text);
}

std::string CheckAddress(std::string_view text) {
  std::array<uint8_t, sizeof(in6_addr)> address{};
  const std::string copy(text);
  if (text.empty() || inet_pton(AF_INET, copy.c_str(), address.data()) == 1 ||
      inet_pton(AF_INET6, copy.c_str(), address.data()) == 1) {
    return "";
  }
  return "expected an address such as 10.0.0.5 or fd00::5, got " + Quoted(text);
}

std::string CheckDevice(std::string_view text) {
  const bool fits = text.size() < IFNAMSIZ && text != "." && text != ".." &&
                    std::none_of(text.begin(), text.end(),
                                 [](char c) { return c <= ' ' || c == '/' || c == ':'; });
  if (fits) return "";
  return "expected the name of a network device such as eth0, got " + Quoted(text);
}

std::string CheckHeader(std::string_view name) {
  const bool allowed = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || IsDigit(c) || c == '-' || c == '_' || c == '.';
  });
  if (!name.empty() && allowed && !name.starts_with("grpc-") && !name.ends_with("-bin")) return "";
  return "expected a name in lower case such as authorization, not beginning with grpc- nor ending "
         "with -bin";
}

std::string CheckOptionalEndpoint(std::string_view text) {
  return text.empty() ? "" : CheckEndpoint(text);
}

std::string CheckKeyHash(std::string_view text) {
  constexpr size_t kBase64Size = 44;
  const bool letters = std::all_of(text.begin(), text.end(), [](char c) {
    return IsLetter(c) || IsDigit(c) || c == '+' || c == '/' || c == '=';
  });
  if (text.empty() || (text.size() == kBase64Size && text.back() == '=' && letters)) return "";
  return "expected base64 of a SHA-256 (44 characters), got " + Quoted(text);
}

std::string CheckTopic(std::string_view text) {
  constexpr std::string_view kWords[] = {"cluster", "namespace", "pod", "container"};
  auto is_legal = [](char c) {
    return IsLetter(c) || IsDigit(c) || c == '.' || c == '_' || c == '-';
  };
  size_t size = 0;
  bool good = !text.empty() && text != "." && text != "..";
  for (const NamePart& part : NameParts(text)) {
    if (part.is_word &&
        std::find(std::begin(kWords), std::end(kWords), part.text) == std::end(kWords)) {
      return fmt::format(
          "expected {{cluster}}, {{namespace}}, {{pod}} or {{container}}, got {{{}}} in {}",
          part.text, Quoted(text));
    }
    good = good && (part.is_word || std::all_of(part.text.begin(), part.text.end(), is_legal));
    size += part.is_word ? 1 : part.text.size();
  }
  if (good && size <= kTopicSizeMax) return "";
  return "expected the name of a topic (1 to 249 letters, digits, ., _ and -, in which {namespace} "
         "and the like may stand), got " +
         Quoted(text);
}

std::string CheckTopicName(std::string_view text) {
  if (text.find('{') == std::string_view::npos) return CheckTopic(text);
  return "expected the name of one topic, got " + Quoted(text);
}

std::string CheckPorts(std::string_view text) {
  if (ParsePortRange(text)) return "";
  return "expected a port from 1 to 65535 or a range such as 6379-6380, got " + Quoted(text);
}

std::string CheckPattern(std::string_view text) {
  std::string text_problem = CheckText(text);
  if (!text_problem.empty()) return text_problem;
  const Result<Pattern> pattern = Pattern::Compile(text);
  return pattern.ok() ? "" : pattern.error().message;
}

std::string CheckReleasePattern(std::string_view text) {
  if (text.empty()) return "";
  std::string problem = CheckPattern(text);
  if (!problem.empty()) return problem;
  const Result<Pattern> pattern = Pattern::Compile(text);
  if (pattern->HasGroup("commit") || pattern->HasGroup("branch")) return "";
  return "expected a group called commit or branch, such as (?P<commit>[0-9a-f]{7,40})";
}

std::string CheckReadableFile(std::string_view path) {
  if (path.empty()) return "";
  std::string text_problem = CheckText(path);
  if (!text_problem.empty()) return text_problem;
  std::string name(path);
  struct stat status;
  // Asked, not opened: a path that names a device must have no effect.
  if (stat(name.c_str(), &status) != 0) return IoError("read", path, errno).message;
  if (S_ISDIR(status.st_mode)) return IoError("read", path, EISDIR).message;
  if (access(name.c_str(), R_OK) != 0) return IoError("read", path, errno).message;
  return "";
}

}  // namespace hinomi
