#include "base/secret.h"

#include <fmt/core.h>

#include <algorithm>

namespace hinomi {
namespace {

constexpr uint64_t kSecretBytesMax = 64 << 10;

}  // namespace

Result<std::string> ReadSecret(FileSystem& files, const std::string& path) {
  auto content = files.ReadWhole(path, kSecretBytesMax);
  if (!content) return content;
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = content->find_first_not_of(kSpace);
  if (begin == std::string::npos) {
    return Error{ErrorKind::kIo,
                 fmt::format("cannot use the secret in \"{}\": the file is empty", path)};
  }
  const std::string secret = content->substr(begin, content->find_last_not_of(kSpace) + 1 - begin);
  if (std::any_of(secret.begin(), secret.end(), [](unsigned char byte) { return byte < 0x20; })) {
    return Error{ErrorKind::kIo,
                 fmt::format("cannot use the secret in \"{}\": it must be one line", path)};
  }
  return secret;
}

}  // namespace hinomi
