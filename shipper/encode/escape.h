// Any bytes as UTF-8, and as the inside of a JSON string.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hinomi {

/// Appends `text` to `out`, escaped so that it can stand between quotes: the result has no control
/// characters and is valid UTF-8; each byte that is part of no UTF-8 sequence becomes U+FFFD.
void AppendEscaped(std::string_view text, std::string* out);

/// Appends `text`, in which each byte that is part of no UTF-8 sequence becomes U+FFFD.
void AppendUtf8(std::string_view text, std::string* out);

/// What AppendUtf8 appends: text.size() if and only if `text` is UTF-8.
size_t Utf8Bytes(std::string_view text);

}  // namespace hinomi
