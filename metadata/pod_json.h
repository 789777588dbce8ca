// A pod's metadata as the text of one file (state_dir/metadata/<uid>.json).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "metadata/pod_metadata.h"

namespace hinomi {

std::string ToJson(const PodMetadata& pod);

/// What ToJson wrote. Errors: corrupt (no JSON, a member is missing or of the wrong type, a UID
/// that cannot be one).
Result<PodMetadata> PodFromJson(std::string_view json);

}  // namespace hinomi
