#include "metadata/kubelet.h"

#include <fmt/core.h>

#include "metadata/kubelet_pods.h"

namespace hinomi {

Result<std::vector<PodMetadata>> Kubelet::List(const std::stop_token& stop) {
  const Result<std::string> body = client_.Get("/pods", "nodes/pods", stop);
  if (!body) return body.error();
  auto pods = ParseKubeletPods(*body, annotations_);
  if (pods) return pods;
  return Error{ErrorKind::kCorrupt, fmt::format("cannot read the pods of \"{}\": {}",
                                                client_.origin(), pods.error().message)};
}

}  // namespace hinomi
