// Somebody on this node who knows its pods: the container runtime (metadata/cri.h), the kubelet
// (metadata/kubelet.h), or a test.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metadata/pod_metadata.h"

namespace hinomi {

class PodSource {
 public:
  virtual ~PodSource() = default;

  /// All pods that it knows now. Blocks for a bounded time, and returns early when `stop` is
  /// requested. Errors: io, this node has nobody to ask; transient, it did not answer in time or
  /// refused; corrupt, the answer makes no sense. One thread at a time.
  virtual Result<std::vector<PodMetadata>> List(const std::stop_token& stop) = 0;
};

/// True for annotations that may be kept: the agent's own, and those that one of the patterns
/// allows. Of all others nothing is, since they hold whole manifests with their environments.
bool KeepsAnnotation(std::string_view key, const std::vector<std::string>& patterns);

}  // namespace hinomi
