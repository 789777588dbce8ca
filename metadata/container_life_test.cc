#include "metadata/container_life.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hinomi {
namespace {

using testing::HasSubstr;
using testing::Not;

PodMetadata PodOf(const std::string& name, const std::string& owner = "") {
  PodMetadata pod;
  pod.namespace_name = "shop";
  pod.name = name;
  if (!owner.empty()) pod.owner = {"Deployment", owner, ""};
  return pod;
}

TEST(ContainerLife, CountsByWorkload) {
  Metrics metrics;
  ContainerLife life("node-1", metrics);
  ContainerMetadata container;
  life.Started(PodOf("web-5d4f8c7b9-bcdfg"), container);
  life.Started(PodOf("etcd-node-1"), container);
  life.Started(PodOf("anything", "web"), container);
  container.attempt = 3;
  container.reason = "OOMKilled";
  life.Exited(PodOf("anything", "web"), container);
  life.Started(PodOf("anything", "web"), container);
  container.reason = "Error";
  life.Exited(PodOf("anything", "web"), container);
  const std::string text = metrics.Expose();
  for (const char* line : {
           "hinomi_containers_started_total{namespace=\"shop\",workload=\"etcd\"} 1\n",
           "hinomi_containers_started_total{namespace=\"shop\",workload=\"web\"} 3\n",
           "hinomi_containers_restarted_total{namespace=\"shop\",workload=\"web\"} 1\n",
           "hinomi_containers_oom_killed_total{namespace=\"shop\",workload=\"web\"} 1\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(ContainerLife, WorkloadsBeyondTheLimitAreOne) {
  Metrics metrics;
  ContainerLife life("node-1", metrics);
  for (size_t i = 0; i < ContainerLife::kWorkloadsMax + 5; ++i) {
    life.Started(PodOf("pod", "workload" + std::to_string(i)), {});
  }
  const std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("started_total{namespace=\"_overflow\",workload=\"_overflow\"} 5\n"));
  EXPECT_THAT(text, Not(HasSubstr("workload1004")));
}

}  // namespace
}  // namespace hinomi
