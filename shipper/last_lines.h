// The last lines of a log, for an event that tells how its container ended.
#pragma once

#include <string>
#include <vector>

#include "shipper/source/log_store.h"

namespace hinomi {

/// The bodies of the last records, oldest first: 20 at most, of 4 KiB together; the first of them
/// may be the end of a longer one. Nothing where the file cannot be read.
std::vector<std::string> LastLines(const LogTail& tail);

}  // namespace hinomi
