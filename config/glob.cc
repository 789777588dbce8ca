#include "config/glob.h"

#include <algorithm>

namespace hinomi {

bool GlobMatches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return true;
  size_t p = 0;
  size_t t = 0;
  // Only the last star ever has to take more: an earlier one could not make a later part match
  // sooner.
  size_t after_star = std::string_view::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (after_star != std::string_view::npos) {
      p = after_star;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

namespace {

bool IsLiteral(std::string_view pattern) {
  return pattern.find_first_of("*?") == std::string_view::npos;
}

bool SamePrefix(std::string_view one, std::string_view other) {
  size_t size =
      std::min({one.find_first_of("*?"), other.find_first_of("*?"), one.size(), other.size()});
  return one.substr(0, size) == other.substr(0, size);
}

}  // namespace

bool GlobsMayOverlap(std::string_view one, std::string_view other) {
  if (one.empty() || other.empty()) return true;
  if (IsLiteral(one)) return GlobMatches(other, one);
  if (IsLiteral(other)) return GlobMatches(one, other);
  std::string one_reversed(one.rbegin(), one.rend());
  std::string other_reversed(other.rbegin(), other.rend());
  return SamePrefix(one, other) && SamePrefix(one_reversed, other_reversed);
}

bool Matches(const LogMatch& match, std::string_view namespace_name, std::string_view pod_name,
             std::string_view container_name) {
  return GlobMatches(match.namespace_pattern, namespace_name) &&
         GlobMatches(match.pod_pattern, pod_name) &&
         GlobMatches(match.container_pattern, container_name);
}

}  // namespace hinomi
