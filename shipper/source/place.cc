#include "shipper/source/place.h"

namespace hinomi {

std::optional<Place> FollowLink(FileSystem& files, const LinkRules& rules,
                                const std::string& path) {
  const Result<std::string> target = files.Resolve(rules.host_root, path);
  if (!target) return std::nullopt;
  const auto below = [&](const std::string& root) -> std::optional<Place> {
    if (!target->starts_with(root + "/")) return std::nullopt;
    return Place{root, target->substr(root.size() + 1)};
  };
  if (std::optional<Place> place = below(rules.root)) return place;
  for (const std::string& other : rules.others) {
    const Result<std::string> root = files.Resolve(rules.host_root, other);
    if (!root) continue;
    if (std::optional<Place> place = below(*root)) return place;
  }
  return std::nullopt;
}

}  // namespace hinomi
