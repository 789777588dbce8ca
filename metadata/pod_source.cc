#include "metadata/pod_source.h"

#include <algorithm>

#include "config/glob.h"
#include "metadata/pod_wishes.h"

namespace hinomi {

bool KeepsAnnotation(std::string_view key, const std::vector<std::string>& patterns) {
  return key.starts_with(kWishPrefix) ||
         std::any_of(patterns.begin(), patterns.end(), [key](const std::string& pattern) {
           return !pattern.empty() && GlobMatches(pattern, key);
         });
}

}  // namespace hinomi
