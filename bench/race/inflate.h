// Bodies of requests as they were before a shipper compressed them: gzip and zstd.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace hinomi::race {

/// Its buffer grows to the largest body and is then reused. One thread at a time.
class Inflater {
 public:
  Inflater();
  ~Inflater();

  /// `body` without its content encoding ("" or "identity": itself), valid until the next call.
  /// None if the encoding is another or the body is not of it.
  std::optional<std::string_view> Inflate(std::string_view encoding, std::string_view body);

 private:
  struct State;
  std::optional<std::string_view> InflateGzip(std::string_view body);
  std::optional<std::string_view> InflateZstd(std::string_view body);
  /// Room for more behind the first `size` bytes.
  void Grow(size_t size);

  std::unique_ptr<State> state_;
  std::string buffer_;
};

}  // namespace hinomi::race
