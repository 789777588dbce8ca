// Finds in the dead letters those of certain containers. Reads what DeadLetters writes, also while
// it does.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/filesystem.h"
#include "shipper/pod_facts.h"

namespace hinomi {

/// A pod's UID and a container's name.
using ContainerKey = std::pair<std::string, std::string>;

/// Of those among `wanted` that have dead letters in `directory`. Reads all of it, which is
/// bounded.
std::map<ContainerKey, DeadLetterFacts> FindDeadLetters(FileSystem& files,
                                                        const std::string& directory,
                                                        const std::set<ContainerKey>& wanted);

}  // namespace hinomi
