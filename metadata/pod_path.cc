#include "metadata/pod_path.h"

#include <algorithm>
#include <charconv>

namespace hinomi {
namespace {

constexpr size_t kLabelSizeMax = 63;
constexpr size_t kSubdomainSizeMax = 253;
constexpr std::string_view kRotationShape = "00000000-000000";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }

/// What labels and the parts of subdomains have in common.
bool IsDnsPart(std::string_view text) {
  auto allowed = [](char c) { return IsLower(c) || IsDigit(c) || c == '-'; };
  return !text.empty() && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), allowed);
}

bool IsLabel(std::string_view text) { return text.size() <= kLabelSizeMax && IsDnsPart(text); }

bool IsSubdomain(std::string_view text) {
  if (text.size() > kSubdomainSizeMax) return false;
  for (;;) {
    size_t dot = text.find('.');
    if (!IsDnsPart(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool IsRotation(std::string_view text) {
  return text.size() == kRotationShape.size() &&
         std::equal(text.begin(), text.end(), kRotationShape.begin(),
                    [](char c, char shape) { return shape == '-' ? c == '-' : IsDigit(c); });
}

}  // namespace

bool IsPodUid(std::string_view text) {
  auto in_uid = [](char c) {
    return IsLower(c) || IsDigit(c) || (c >= 'A' && c <= 'Z') || c == '-';
  };
  return !text.empty() && text.size() <= kLabelSizeMax && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), in_uid);
}

std::optional<PodInfo> ParsePodDirectory(std::string_view name) {
  // No part may contain an underscore, so the first two are the separators.
  size_t first = name.find('_');
  if (first == std::string_view::npos) return std::nullopt;
  size_t second = name.find('_', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  std::string_view name_space = name.substr(0, first);
  std::string_view pod = name.substr(first + 1, second - first - 1);
  std::string_view uid = name.substr(second + 1);
  if (!IsLabel(name_space) || !IsSubdomain(pod) || !IsPodUid(uid)) return std::nullopt;
  PodInfo info;
  info.namespace_name = name_space;
  info.pod_name = pod;
  info.pod_uid = uid;
  return info;
}

bool IsContainerName(std::string_view name) { return IsLabel(name); }

std::optional<LogFile> ParseLogFile(std::string_view name) {
  LogFile file;
  auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), file.restart_count);
  size_t digits = static_cast<size_t>(rest - name.data());
  // A second spelling of one restart count ("00.log") would be a second log with the same identity.
  if (error != std::errc() || (name.front() == '0' && digits > 1)) return std::nullopt;
  name.remove_prefix(digits);
  constexpr std::string_view kExtension = ".log";
  if (!name.starts_with(kExtension)) return std::nullopt;
  name.remove_prefix(kExtension.size());
  if (name.empty()) return file;

  if (name.front() != '.') return std::nullopt;
  name.remove_prefix(1);
  std::string_view rotation = name.substr(0, kRotationShape.size());
  if (!IsRotation(rotation)) return std::nullopt;
  file.rotation = rotation;
  std::string_view suffix = name.substr(rotation.size());
  if (suffix.empty()) {
    file.kind = LogFileKind::kRotated;
  } else if (suffix == ".gz") {
    file.kind = LogFileKind::kCompressed;
  } else if (suffix == ".tmp" || suffix == ".gz.tmp") {
    file.kind = LogFileKind::kTemporary;
  } else {
    return std::nullopt;
  }
  return file;
}

}  // namespace hinomi
