#include "metadata/kubelet_pods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

namespace hinomi {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::string Captured() {
  std::ifstream file(HINOMI_KUBELET_PODS);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(KubeletPods, OfARealKubelet) {
  const auto pods = ParseKubeletPods(Captured(), {"example/*"});
  ASSERT_TRUE(pods) << pods.error().message;
  std::map<std::string, PodMetadata> by_name;
  for (const PodMetadata& pod : *pods) by_name[pod.name] = pod;
  ASSERT_EQ(by_name.size(), 6u);
  const PodMetadata& agent = by_name.at("agent-49ghz");
  EXPECT_EQ(agent.uid, "e6a536d8-2a31-4dbe-8d06-d8217e538170");
  EXPECT_EQ(agent.namespace_name, "default");
  EXPECT_THAT(agent.labels,
              ElementsAre(Pair("app", "agent"), Pair("controller-revision-hash", "5d94d95c55"),
                          Pair("pod-template-generation", "1")));
  EXPECT_EQ(agent.owner, (PodOwner{"DaemonSet", "agent", "5281893b-9374-4dde-aae8-dba6167e2c6c"}));
  const PodMetadata& hello = by_name.at("hello");
  EXPECT_EQ(hello.owner, (PodOwner{"Pod", "hello", hello.uid}));
  EXPECT_THAT(hello.annotations, ElementsAre(Pair("example/anno", "x")));
  EXPECT_THAT(by_name.at("crash").annotations, IsEmpty()) << "they hold the whole manifest";
  for (const PodMetadata& pod : *pods) EXPECT_TRUE(pod.from_kubelet);
  EXPECT_EQ(agent.ready, true);
  EXPECT_EQ(by_name.at("crash").ready, false);
}

std::string Pod(std::string_view metadata) {
  return "{\"kind\":\"PodList\",\"items\":[{\"metadata\":{\"uid\":\"u-1\",\"name\":\"p\"" +
         std::string(metadata) + "}}]}";
}

std::string Owner(std::string_view kind, std::string_view name, bool controller = true) {
  return "{\"kind\":\"" + std::string(kind) + "\",\"name\":\"" + std::string(name) +
         "\",\"uid\":\"o\",\"controller\":" + (controller ? "true" : "false") + "}";
}

TEST(KubeletPods, WhetherTheyAreReady) {
  const auto ready = [](std::string_view status) {
    const auto pods = ParseKubeletPods(
        R"({"items":[{"metadata":{"uid":"u-1","name":"p"},"status":)" + std::string(status) + "}]}",
        {});
    return pods->at(0).ready;
  };
  constexpr std::string_view kReady = R"("conditions":[{"type":"Ready","status":"True"}])";
  EXPECT_EQ(ready("{" + std::string(kReady) + "}"), true);
  EXPECT_EQ(ready(R"({"conditions":[{"type":"Ready","status":"False"},)"
                  R"({"status":"True","type":"ContainersReady"}]})"),
            false);
  EXPECT_EQ(ready(R"({"phase":"Running","conditions":[{"type":"Ready","status":"Unknown"}]})"),
            false);
  EXPECT_EQ(ready("{}"), false);
  EXPECT_EQ(ready(R"({"phase":"Succeeded",)" + std::string(kReady) + "}"), std::nullopt);
  EXPECT_EQ(ready(R"({"phase":"Failed"})"), std::nullopt);
}

TEST(KubeletPods, Owners) {
  const std::string hash = ",\"labels\":{\"pod-template-hash\":\"7d9f8b6c5\"}";
  const struct {
    std::string metadata;
    PodOwner want;
  } kCases[] = {
      {hash + ",\"ownerReferences\":[" + Owner("ReplicaSet", "web-7d9f8b6c5") + "]",
       {"Deployment", "web", ""}},
      {",\"ownerReferences\":[" + Owner("ReplicaSet", "web-7d9f8b6c5") + "]" + hash,
       {"Deployment", "web", ""}},
      {",\"ownerReferences\":[" + Owner("ReplicaSet", "web-7d9f8b6c5") + "]",
       {"ReplicaSet", "web-7d9f8b6c5", "o"}},
      {hash + ",\"ownerReferences\":[" + Owner("ReplicaSet", "web-other") + "]",
       {"ReplicaSet", "web-other", "o"}},
      {",\"ownerReferences\":[" + Owner("Job", "clean-29112345") + "]", {"CronJob", "clean", ""}},
      {",\"ownerReferences\":[" + Owner("Job", "clean") + "]", {"Job", "clean", "o"}},
      {",\"ownerReferences\":[" + Owner("Node", "n", false) + "," + Owner("StatefulSet", "s") +
           "," + Owner("Thing", "t", false) + "]",
       {"StatefulSet", "s", "o"}},
      {",\"ownerReferences\":[" + Owner("Thing", "t", false) + "]", {}},
      {",\"annotations\":{\"kubernetes.io/config.source\":\"api\"}", {"Pod", "p", "u-1"}},
      {",\"annotations\":{\"kubernetes.io/config.source\":\"file\"}", {}},
      {"", {}},
  };
  for (const auto& test : kCases) {
    const auto pods = ParseKubeletPods(Pod(test.metadata), {});
    ASSERT_TRUE(pods) << test.metadata;
    ASSERT_EQ(pods->size(), 1u);
    EXPECT_EQ(pods->front().owner, test.want) << test.metadata;
  }
}

TEST(KubeletPods, TakesNothingFromElsewhere) {
  const std::string kCases[] = {
      R"({"items":[{"spec":{"metadata":{"uid":"u-1"}}}]})",
      R"({"items":[{"metadata":{"x":{"uid":"u-1"}}}]})",
      R"({"items":[[{"metadata":{"uid":"u-1"}}]]})",
      R"({"items":[{"metadata":[{"uid":"u-1"}]}]})",
      R"({"items":[{"metadata":{"uid":"../u"}}]})",
      R"({"x":[{"metadata":{"uid":"u-1"}}],"items":[]})",
  };
  for (const std::string& json : kCases) {
    const auto pods = ParseKubeletPods(json, {});
    ASSERT_TRUE(pods) << json;
    EXPECT_THAT(*pods, IsEmpty()) << json;
  }
  const auto pods =
      ParseKubeletPods(R"({"items":[{"metadata":{"uid":"u-1","labels":{"a":"b","deep":{"a":"c"}}},)"
                       R"("spec":{"containers":[{"env":[{"name":"SECRET","value":"x"}]}]}}]})",
                       {});
  ASSERT_TRUE(pods);
  EXPECT_THAT(pods->at(0).labels, ElementsAre(Pair("a", "b")));
}

TEST(KubeletPods, RefusesWhatIsNone) {
  const std::string captured = Captured();
  for (size_t size = 0; size + 2 < captured.size(); size += 997) {
    EXPECT_FALSE(ParseKubeletPods(captured.substr(0, size), {})) << size;
  }
  for (const char* json : {"", "[]", "{}", "Unauthorized", "{\"items\":{}}", "{\"items\":null}"}) {
    EXPECT_FALSE(ParseKubeletPods(json, {})) << json;
  }
  EXPECT_FALSE(ParseKubeletPods(std::string(1 << 20, '['), {}));
}

}  // namespace
}  // namespace hinomi
