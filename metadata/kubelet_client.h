// Asks this node's kubelet, as the configuration says where it is and whom to trust. It knows
// nothing of what is asked.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/filesystem.h"
#include "base/http_client.h"
#include "config/config.h"

namespace hinomi {

/// One thread at a time.
class KubeletClient {
 public:
  static constexpr std::chrono::milliseconds kTimeout{5000};

  /// The token is read for every request. `files` outlives it.
  KubeletClient(KubeletConfig config, FileSystem& files,
                std::chrono::milliseconds timeout = kTimeout);

  /// The body that the kubelet answers with on `path`. `right` is what the token's owner needs:
  /// "nodes/pods". Errors: transient, it did not answer in time or refused; they say where and why.
  Result<std::string> Get(std::string_view path, std::string_view right,
                          const std::stop_token& stop);
  /// For messages: scheme, host and port.
  std::string origin() const { return OriginOf(config_.url); }

 private:
  const KubeletConfig config_;
  const std::chrono::milliseconds timeout_;
  FileSystem& files_;
  HttpClient client_;
};

}  // namespace hinomi
