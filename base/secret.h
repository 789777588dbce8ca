// Secrets that are read from files each time they are needed. No message ever shows one.
#pragma once

#include <string>

#include "base/filesystem.h"
#include "base/result.h"

namespace hinomi {

/// The one line that the file holds, without the space around it. Errors: io (cannot be read,
/// empty, several lines).
Result<std::string> ReadSecret(FileSystem& files, const std::string& path);

}  // namespace hinomi
