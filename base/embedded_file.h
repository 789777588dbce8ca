// A file of the source tree that the build has put into the program (hinomi_embed in
// cmake/hinomi.cmake).
#pragma once

#include <span>
#include <string_view>

namespace hinomi {

struct EmbeddedFile {
  std::string_view name;  // without its folder
  std::string_view bytes;
};

}  // namespace hinomi
