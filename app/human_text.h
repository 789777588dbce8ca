// Amounts as people read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/clock.h"

namespace hinomi {

/// Three digits or so: "0 bytes", "1 byte", "17.3 KiB".
std::string HumanBytes(uint64_t bytes);
/// "0.4 s", "35 s", "12 min", "3 h", "4 days".
std::string HumanDuration(Duration duration);
/// A place in a list, the first being 0: "1st", "2nd", "3rd", "11th".
std::string Ordinal(size_t index);

}  // namespace hinomi
