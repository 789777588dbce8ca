// CHECK(condition): for what only a programmer's mistake can break, never for foreign input.
#pragma once

namespace hinomi {

/// Prints `BUG: file:line: condition` to standard error and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace hinomi

/// Stays on in release builds: a wrong cursor is worse than a restart.
#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::hinomi::CheckFailed(__FILE__, __LINE__, #condition))
