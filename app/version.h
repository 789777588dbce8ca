// Which build this is.
#pragma once

namespace hinomi {

extern const char kVersion[];  // as in the project's CMakeLists.txt
extern const char kCommit[];   // eight hexadecimal digits, or "unknown" outside a git checkout

}  // namespace hinomi
