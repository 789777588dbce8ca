// What a file of certificates says about itself. OpenSSL stays behind this file. Knows nothing of
// connections: those are libcurl's and librdkafka's.
#pragma once

#include <chrono>
#include <string_view>

#include "base/result.h"

namespace hinomi {

/// When the first of the certificates in `pem` expires, Unix time; other blocks, such as keys, are
/// passed over. Errors: corrupt, where there is none or one cannot be read.
Result<std::chrono::seconds> ExpiryOf(std::string_view pem);

}  // namespace hinomi
