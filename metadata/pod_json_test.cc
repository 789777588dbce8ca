#include "metadata/pod_json.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

PodMetadata FullPod() {
  PodMetadata pod;
  pod.uid = "0b1c-2";
  pod.namespace_name = "prod";
  pod.name = "web-0";
  pod.labels = {{"app", "shop \"x\"\n"}, {"app.kubernetes.io/name", "ü"}};
  pod.annotations = {{"hinomi.io/weight", "3"}};
  pod.owner = {"StatefulSet", "web", "77"};
  pod.from_kubelet = true;
  pod.sandbox_id = "s1";
  pod.containers = {{"main", 4, "c4", "nginx:1", "sha256:ab", "containerd", "fc59",
                     ContainerState::kExited, -7, "OOMKilled", Duration(5), Duration(3)},
                    {"main", 5, "c5", "", "", "", "", ContainerState::kRunning, 0, "", {}, {}}};
  return pod;
}

TEST(PodJson, ReadsWhatItWrote) {
  PodMetadata bare;
  bare.uid = "x";
  for (const PodMetadata& pod : {FullPod(), bare}) {
    const auto read = PodFromJson(ToJson(pod));
    ASSERT_TRUE(read) << ToJson(pod);
    EXPECT_TRUE(*read == pod) << ToJson(*read);
  }
}

TEST(PodJson, ReadsWhatWasWrittenBeforeSandboxesAndRevisionsWereKept) {
  PodMetadata pod = FullPod();
  std::string text = ToJson(pod);
  for (const std::string member :
       {"\"sandbox\":\"s1\",", "\"revision\":\"fc59\",", "\"revision\":\"\","}) {
    const size_t at = text.find(member);
    ASSERT_NE(at, text.npos) << text;
    text.erase(at, member.size());
  }
  const auto read = PodFromJson(text);
  ASSERT_TRUE(read) << text;
  pod.sandbox_id.clear();
  pod.containers[0].revision.clear();
  EXPECT_TRUE(*read == pod);
}

TEST(PodJson, RefusesWhatIsDamaged) {
  const std::string good = ToJson(FullPod());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(PodFromJson(good.substr(0, size))) << size;
  }
  const std::pair<std::string, std::string> kChanges[] = {
      {"\"0b1c-2\"", "\"../../etc\""},
      {"\"0b1c-2\"", "7"},
      {"\"labels\"", "\"label\""},
      {"\"attempt\":4", "\"attempt\":-4"},
      {"\"state\":3", "\"state\":4"},
      {"\"exit_code\":-7", "\"exit_code\":9999999999"},
      {"\"3\"", "3"},
      {"\"from_kubelet\":1", "\"from_kubelet\":2"},
      {"\"containers\":[", "\"containers\":[7,"},
  };
  for (const auto& [from, to] : kChanges) {
    std::string text = good;
    const size_t at = text.find(from);
    ASSERT_NE(at, text.npos) << from;
    EXPECT_FALSE(PodFromJson(text.replace(at, from.size(), to))) << to;
  }
  for (const char* text : {"[]", "7", "null", "{}", "{\"uid\":\"a\"}"}) {
    EXPECT_FALSE(PodFromJson(text)) << text;
  }
}

}  // namespace
}  // namespace hinomi
