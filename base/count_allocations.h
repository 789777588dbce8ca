// For tests alone: counts what the process allocates by `new`. Linking count_allocations.cc is what
// makes it count.
#pragma once

#include <cstdint>

namespace hinomi {

/// Since the process began, by all threads.
uint64_t AllocationsSoFar();

}  // namespace hinomi
