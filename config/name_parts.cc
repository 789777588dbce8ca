#include "config/name_parts.h"

#include <algorithm>

namespace hinomi {

std::vector<NamePart> NameParts(std::string_view name) {
  std::vector<NamePart> parts;
  while (!name.empty()) {
    const size_t open = name.find('{');
    const size_t close = open == std::string_view::npos ? open : name.find('}', open);
    if (close == std::string_view::npos) {
      parts.push_back({name, false});
      break;
    }
    if (open > 0) parts.push_back({name.substr(0, open), false});
    parts.push_back({name.substr(open + 1, close - open - 1), true});
    name.remove_prefix(close + 1);
  }
  return parts;
}

bool HasWords(std::string_view name) {
  const std::vector<NamePart> parts = NameParts(name);
  return std::any_of(parts.begin(), parts.end(), [](const NamePart& part) { return part.is_word; });
}

bool IsDateWord(std::string_view word) {
  return word == "year" || word == "month" || word == "day";
}

bool IsDated(std::string_view name) {
  const std::vector<NamePart> parts = NameParts(name);
  return std::any_of(parts.begin(), parts.end(),
                     [](const NamePart& part) { return part.is_word && IsDateWord(part.text); });
}

}  // namespace hinomi
