// What `hinomi check` says beyond the configuration: whether this machine gives the agent what it
// needs.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/filesystem.h"
#include "config/config.h"

namespace hinomi {

/// Tries the escrow as the agent does at its start, also with a log of this node, and leaves no
/// trace. Warnings with cause and cure; none where all is well, or where an agent runs that has it.
std::vector<std::string> CheckEscrow(const Config& config, FileSystem& files);

/// Asks each sink whether it would take records, for five seconds at most. Warnings as above.
std::vector<std::string> CheckSinksAnswer(const Config& config, FileSystem& files,
                                          const Clock& clock);

}  // namespace hinomi
