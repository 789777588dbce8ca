// What this node's kubelet says of its pods: unlike the runtime it knows owners, labels as they are
// now, and which pods are ready. Asked only where the configuration names its URL. It needs the
// right to `get` of `nodes/pods` (of `nodes/proxy` before Kubernetes 1.33), and nothing of the API
// server.
#pragma once

#include <string>
#include <vector>

#include "metadata/kubelet_client.h"
#include "metadata/pod_source.h"

namespace hinomi {

class Kubelet final : public PodSource {
 public:
  /// `annotations`: patterns of those that are kept.
  Kubelet(KubeletConfig config, std::vector<std::string> annotations, FileSystem& files,
          std::chrono::milliseconds timeout = KubeletClient::kTimeout)
      : client_(std::move(config), files, timeout), annotations_(std::move(annotations)) {}

  Result<std::vector<PodMetadata>> List(const std::stop_token& stop) override;

 private:
  KubeletClient client_;
  const std::vector<std::string> annotations_;
};

}  // namespace hinomi
