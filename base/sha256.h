// SHA-256, for what others check with sha256sum. OpenSSL's libcrypto stays behind this file.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace hinomi {

/// Of bytes that come piece by piece. One thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Add(std::string_view bytes);
  /// 64 lower-case hexadecimal digits. Nothing is added after it.
  std::string Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace hinomi
