#include "shipper/source/shares.h"

#include <algorithm>

#include "config/glob.h"

namespace hinomi {

Shares SharesOf(const std::vector<ShareConfig>& rules, const PodInfo& pod) {
  const auto first = [&](Per per) -> Share {
    const auto rule = std::find_if(rules.begin(), rules.end(), [&](const ShareConfig& candidate) {
      return candidate.per == per &&
             Matches(candidate.match, pod.namespace_name, pod.pod_name, pod.container_name);
    });
    if (rule == rules.end()) return {};
    return {static_cast<uint32_t>(rule->weight), rule->bytes_per_second, rule->BurstInEffect(),
            rule->exceeded};
  };
  return {first(Per::kNamespace), first(Per::kPod), first(Per::kContainer)};
}

}  // namespace hinomi
