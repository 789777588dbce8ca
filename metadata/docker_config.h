// Reads docker's description of a container, config.v2.json. What of the container's secrets lies
// in that file, such as its environment, is passed over.
#pragma once

#include <string_view>

#include "base/result.h"
#include "metadata/docker_container.h"

namespace hinomi {

/// Labels are part of every record of a container: those beyond this are left out.
inline constexpr size_t kDockerLabelsBytesMax = 8 << 10;

/// Keeps ID, Name, Config.Image and Config.Labels. Error corrupt when `json` is no valid JSON or
/// has no ID or Name; it says where and repeats nothing of the content.
Result<DockerContainer> ParseDockerConfig(std::string_view json);

}  // namespace hinomi
