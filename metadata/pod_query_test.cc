#include "metadata/pod_query.h"

#include <gtest/gtest.h>

#include "metadata/docker_container.h"
#include "metadata/pod_metadata.h"

namespace hinomi {
namespace {

const std::string kId = "3f9a" + std::string(60, 'b');

PodInfo Kubernetes() {
  auto metadata = std::make_shared<PodMetadata>();
  ContainerMetadata& container = metadata->containers.emplace_back();
  container.name = "nginx";
  container.attempt = 1;
  container.id = kId;
  PodInfo pod;
  pod.namespace_name = "shop";
  pod.pod_name = "web-1";
  pod.container_name = "nginx";
  pod.restart_count = 1;
  pod.metadata = metadata;
  return pod;
}

PodInfo Docker() {
  return PodInfoOf(
      std::make_shared<const DockerContainer>(DockerContainer{kId, "worker", "image", {}, false}));
}

TEST(PodQueryTest, FindsByNamesAndByIds) {
  const struct {
    std::string text;
    bool kubernetes, docker;
  } kCases[] = {
      {"web-1", true, false},
      {"web", false, false},
      {"web-*", true, false},
      {"*", true, true},
      {"shop/web-1", true, false},
      {"sho?/web-1", true, false},
      {"other/web-1", false, false},
      {"shop/web-1/nginx", true, false},
      {"shop/web-1/sidecar", false, false},
      {"worker", false, true},
      {"docker/worker", false, true},
      {"3f9abb", true, true},
      {"3f9ab", false, false},  // too short to be meant as an id
      {"3f9abc", false, false},
      {kId, true, true},
      {kId + "b", false, false},
      {"containerd://" + kId, true, true},
      {"docker://3f9abbbb", true, true},
      {"9abbbbbb", false, false},
  };
  for (const auto& [text, kubernetes, docker] : kCases) {
    const Result<PodQuery> query = ParsePodQuery(text);
    ASSERT_TRUE(query) << text;
    EXPECT_EQ(Matches(*query, Kubernetes()), kubernetes) << text;
    EXPECT_EQ(Matches(*query, Docker()), docker) << text;
  }
}

TEST(PodQueryTest, KnowsTheIdOfThisRunOnly) {
  PodInfo earlier = Kubernetes();
  earlier.restart_count = 0;
  EXPECT_FALSE(Matches(*ParsePodQuery("3f9abb"), earlier));
  EXPECT_EQ(ContainerIdOf(Kubernetes()), kId);
  EXPECT_EQ(ContainerIdOf({}), "");
}

TEST(PodQueryTest, TakesAPodWithoutContainersForAnyOfThem) {
  PodInfo pod;
  pod.namespace_name = "shop";
  pod.pod_name = "web-1";
  EXPECT_TRUE(Matches(*ParsePodQuery("shop/web-1/nginx"), pod));
}

TEST(PodQueryTest, SaysWhatItExpects) {
  for (const char* text : {"", "/", "a/", "/b", "a/b/", "a/b/c/d", "containerd://xyz"}) {
    const Result<PodQuery> query = ParsePodQuery(text);
    ASSERT_FALSE(query) << text;
    EXPECT_EQ(query.error().kind, ErrorKind::kConfig);
    EXPECT_NE(query.error().message.find("expected pod, namespace/pod"), std::string::npos);
  }
}

}  // namespace
}  // namespace hinomi
