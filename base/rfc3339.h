// Times as container runtimes write them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hinomi {

inline constexpr size_t kRfc3339BytesMax = 35;

/// True for YYYY-MM-DDTHH:MM:SS, a fraction of one to nine digits or none, and Z or ±HH:MM; a day
/// that exists.
bool IsRfc3339(std::string_view time);

/// Unix time of such a text; finer digits are left aside.
int64_t MillisecondsOf(std::string_view time);

/// The same in nanoseconds; 0 for one before 1970 or after 2553, for which there is no such number.
uint64_t UnixNanosecondsOf(std::string_view time);

}  // namespace hinomi
