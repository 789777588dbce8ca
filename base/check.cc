#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace hinomi {

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "BUG: %s:%d: %s\n", file, line, condition);
  std::abort();
}

}  // namespace hinomi
