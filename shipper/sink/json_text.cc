#include "shipper/sink/json_text.h"

#include <fmt/core.h>

namespace hinomi {

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  out.reserve(text.size() + text.size() / 8 + 2);
  for (const char byte : text) {
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += byte;
    } else if (byte == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(byte) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(byte));
    } else {
      out += byte;
    }
  }
  out += '"';
  return out;
}

}  // namespace hinomi
