// Patterns for names: * is any number of characters, ? is one, everything else is itself.
#pragma once

#include <string_view>

#include "config/config.h"

namespace hinomi {

/// True if `pattern` matches all of `text`; an empty pattern matches everything. Never slower than
/// the product of both lengths, and linear for a single *.
bool GlobMatches(std::string_view pattern, std::string_view text);

/// False only if no text can match both patterns, as far as their literal beginnings and ends tell;
/// so true is "they may overlap".
bool GlobsMayOverlap(std::string_view one, std::string_view other);

/// True if the patterns of all three names match; labels are not asked for.
bool Matches(const LogMatch& match, std::string_view namespace_name, std::string_view pod_name,
             std::string_view container_name);

}  // namespace hinomi
