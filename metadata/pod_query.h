// Whom a person asks about: by the names of a pod, or by a container's id.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "metadata/pod_info.h"

namespace hinomi {

struct PodQuery {
  // Patterns with * and ?; an empty one matches everything.
  std::string namespace_pattern;
  std::string pod_pattern;
  std::string container_pattern;
  std::string id_prefix;  // of a container; empty where the text cannot be one
};

/// `pod`, `namespace/pod`, `namespace/pod/container`, or the beginning of a container's id, with or
/// without the runtime in front as kubectl prints it (`containerd://…`). Errors: config.
Result<PodQuery> ParsePodQuery(std::string_view text);

/// True if the names match, or the id of that container's run begins so. Where a container is not
/// known yet, its name is empty and matches.
bool Matches(const PodQuery& query, const PodInfo& pod);

/// The id of the container behind a log, as far as it is known; empty when it is not.
std::string ContainerIdOf(const PodInfo& pod);

}  // namespace hinomi
