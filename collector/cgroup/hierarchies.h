// Where the node's cgroups are mounted, and of which version they are.
#pragma once

#include <array>
#include <span>
#include <string>

#include "collector/cgroup/stats.h"
#include "collector/host.h"

namespace hinomi {

struct CgroupHierarchies {
  /// As this process sees them; empty where there is none.
  std::array<std::string, kControllerCount> directories;
  /// The one whose directories show which cgroups there are; empty when there are no cgroups.
  std::string listing;
  std::span<const CgroupFile> files;

  const std::string& of(Controller controller) const {
    return directories[static_cast<size_t>(controller)];
  }
};

/// Looks below /sys/fs/cgroup: a tree of version 2 there, or one directory per controller with a
/// tree of version 2 as `unified` beside them.
CgroupHierarchies FindCgroupHierarchies(const Host& host);

}  // namespace hinomi
