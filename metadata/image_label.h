// What the build of an image wrote about it, which no plain answer of a runtime tells: read from
// the image's own description in the store of containerd.
#pragma once

#include <string>
#include <string_view>

#include "base/filesystem.h"

namespace hinomi {

/// The value of a label of the image with that id, sha256:…; empty where the image has none, or
/// nobody here has kept its description. `host_root` as in the configuration. Nothing else of the
/// description is kept: it holds the environment that the image comes with.
/// Source: the content store of containerd; config.json of the OCI image specification.
std::string ImageLabel(FileSystem& files, const std::string& host_root, std::string_view image_id,
                       std::string_view label);

}  // namespace hinomi
