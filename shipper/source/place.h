// Where links in the directories of logs may lead.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/filesystem.h"

namespace hinomi {

/// A file or directory by its path below a root whose links are resolved.
struct Place {
  std::string root;
  std::string path;
};

struct LinkRules {
  const std::string& host_root;
  const std::string& root;  // of the source, resolved
  const std::vector<std::string>&
      others;  // roots that it may lead below too, as the node sees them
};

/// Where the link `path`, as the node sees it, leads; nothing when that is not allowed or not
/// there.
std::optional<Place> FollowLink(FileSystem& files, const LinkRules& rules, const std::string& path);

}  // namespace hinomi
