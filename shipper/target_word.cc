#include "shipper/target_word.h"

namespace hinomi {

std::string_view TargetWord(std::string_view word, std::string_view cluster, const PodInfo& pod) {
  if (word == "cluster") return cluster;
  if (word == "namespace") return pod.namespace_name;
  if (word == "pod") return pod.pod_name;
  return word == "container" ? std::string_view(pod.container_name) : std::string_view();
}

}  // namespace hinomi
