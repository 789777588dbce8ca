// What the words in a target's name (config/name_parts.h) stand for: shared by the sinks that have
// such names. A pure function of who wrote the record.
#pragma once

#include <string_view>

#include "metadata/pod_info.h"

namespace hinomi {

/// Of cluster, namespace, pod and container; as long as `cluster` and `pod` are. Empty for any
/// other word.
std::string_view TargetWord(std::string_view word, std::string_view cluster, const PodInfo& pod);

}  // namespace hinomi
