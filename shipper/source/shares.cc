#include "shipper/source/shares.h"

#include <algorithm>

#include "config/glob.h"
#include "metadata/pod_metadata.h"
#include "metadata/pod_wishes.h"

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
  Shares shares{first(Per::kNamespace), first(Per::kPod), first(Per::kContainer)};
  if (pod.metadata == nullptr) return shares;
  const PodWishes wishes = WishesOf(pod.metadata->annotations);
  Share& own = shares.of_pod;
  own.weight = wishes.weight.value_or(own.weight);
  const uint64_t limit = wishes.limit_bytes_per_second.value_or(0);
  // A pod may ask for less than the configuration grants it, not for more.
  if (limit > 0 && (own.bytes_per_second == 0 || limit < own.bytes_per_second)) {
    own.bytes_per_second = limit;
    own.burst_bytes = std::max(limit, own.burst_bytes);
  }
  return shares;
}

}  // namespace hinomi
