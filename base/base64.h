// Base64 with the alphabet and the padding of RFC 4648, section 4.
#pragma once

#include <string>
#include <string_view>

namespace hinomi {

std::string ToBase64(std::string_view bytes);

/// The bytes that `text` stands for; what does not belong to base64 ends it. Whoever wants it whole
/// compares ToBase64 of them with `text`.
std::string FromBase64(std::string_view text);

}  // namespace hinomi
