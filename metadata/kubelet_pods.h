// What the kubelet's /pods says of this node's pods. The answer is foreign and holds environments
// and arguments; all that is not named here is passed over as it is read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metadata/pod_metadata.h"

namespace hinomi {

/// The pods with labels, the annotations that `annotations` allows (KeepsAnnotation), owners and
/// whether they are ready, without containers. Pods whose UID cannot be one are left out. Errors:
/// corrupt. Source: a v1.PodList of the Kubernetes API.
Result<std::vector<PodMetadata>> ParseKubeletPods(std::string_view json,
                                                  const std::vector<std::string>& annotations);

}  // namespace hinomi
