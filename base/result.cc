#include "base/result.h"

#include <system_error>

namespace hinomi {

Error IoError(std::string_view verb, std::string_view object, int code) {
  std::string message = "cannot ";
  message.append(verb).append(" \"").append(object).append("\": ");
  message.append(std::generic_category().message(code));
  return {ErrorKind::kIo, std::move(message), code};
}

}  // namespace hinomi
