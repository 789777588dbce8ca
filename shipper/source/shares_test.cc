#include "shipper/source/shares.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

TEST(Shares, AreThoseOfTheFirstRuleThatMatches) {
  const std::vector<ShareConfig> rules = {
      {{"prod", "noisy-*", ""}, Per::kPod, 2, 1000, 0, Exceeded::kDrop},
      {{"", "", "sidecar"}, Per::kContainer, 3, 0, 0, Exceeded::kDelay},
      {{"prod", "", ""}, Per::kNamespace, 4, 500, 700, Exceeded::kDelay},
      {{"", "", ""}, Per::kPod, 5, 0, 0, Exceeded::kDelay},
  };
  const struct {
    const char* namespace_name;
    const char* pod;
    const char* container;
    uint32_t weights[3];
  } cases[] = {
      {"prod", "noisy-1", "main", {4, 2, 1}},
      {"prod", "noisy-1", "sidecar", {4, 2, 3}},
      {"prod", "web", "main", {4, 5, 1}},
      {"dev", "noisy-1", "main", {1, 5, 1}},
  };
  for (const auto& c : cases) {
    PodInfo pod;
    pod.namespace_name = c.namespace_name;
    pod.pod_name = c.pod;
    pod.container_name = c.container;
    const Shares shares = SharesOf(rules, pod);
    EXPECT_EQ(shares.of_namespace.weight, c.weights[0]) << c.pod;
    EXPECT_EQ(shares.of_pod.weight, c.weights[1]) << c.pod;
    EXPECT_EQ(shares.of_log.weight, c.weights[2]) << c.pod;
  }
  PodInfo pod;
  pod.namespace_name = "prod";
  pod.pod_name = "noisy-1";
  const Shares shares = SharesOf(rules, pod);
  EXPECT_EQ(shares.of_pod.bytes_per_second, 1000u);
  EXPECT_EQ(shares.of_pod.burst_bytes, 1000u) << "of a second";
  EXPECT_EQ(shares.of_pod.exceeded, Exceeded::kDrop);
  EXPECT_EQ(shares.of_namespace.burst_bytes, 700u);
  EXPECT_EQ(shares.of_log.bytes_per_second, 0u);
}

}  // namespace
}  // namespace hinomi
