// What this node's kubelet says of its pods: unlike the runtime it knows owners, and labels as they
// are now. Asked only where the configuration names its URL. It needs the right to `get` of
// `nodes/pods` (of `nodes/proxy` before Kubernetes 1.33), and nothing of the API server.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/filesystem.h"
#include "base/http_client.h"
#include "metadata/pod_source.h"

namespace hinomi {

struct KubeletOptions {
  std::string url;                       // https://host:10250
  std::string token_file;                // a bearer's, read for every request; empty: none
  std::string ca_file;                   // PEM; empty: the system's
  std::string public_key_sha256;         // base64; of the server's key, instead of an authority
  std::vector<std::string> annotations;  // patterns of those that are kept
  std::chrono::milliseconds timeout{5000};
};

class Kubelet final : public PodSource {
 public:
  Kubelet(KubeletOptions options, FileSystem& files);

  Result<std::vector<PodMetadata>> List(const std::stop_token& stop) override;

 private:
  const KubeletOptions options_;
  FileSystem& files_;
  HttpClient client_;
};

}  // namespace hinomi
