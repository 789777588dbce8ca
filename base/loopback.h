// Which addresses lead to this machine alone.
#pragma once

#include <string>

namespace hinomi {

/// True for a numeric address of this machine's loopback: 127.0.0.0/8, ::1, or the former within
/// ::ffff:0:0/96.
bool IsLoopback(const std::string& address);

}  // namespace hinomi
