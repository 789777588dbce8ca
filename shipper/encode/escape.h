// Any bytes as the inside of a JSON string.
#pragma once

#include <string>
#include <string_view>

namespace hinomi {

/// Appends `text` to `out`, escaped so that it can stand between quotes: the result has no control
/// characters and is valid UTF-8; each byte that is part of no UTF-8 sequence becomes U+FFFD.
void AppendEscaped(std::string_view text, std::string* out);

}  // namespace hinomi
