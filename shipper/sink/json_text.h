// JSON strings for the few small documents that a sink writes itself.
#pragma once

#include <string>
#include <string_view>

namespace hinomi {

/// `text` in quotes, with what JSON demands escaped. Bytes from 0x80 on are kept as they are.
std::string JsonString(std::string_view text);

}  // namespace hinomi
