#include "metadata/docker_config.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace hinomi {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

// As dockerd 20.10 writes it, shortened.
constexpr char kConfig[] =
    R"({"StreamConfig":{},"State":{"Running":true,"Name":"no","Health":null},"ID":"0f51","Created":"now",)"
    R"("Args":["ID","x"],"Config":{"Hostname":"h","Env":["SECRET=hush","PATH=/bin"],"Image":"nginx:1",)"
    R"("Volumes":null,"Labels":{"a.b":"c","com.docker.compose.project":"shop"},"ID":"no"},)"
    R"("Image":"sha256:1","NetworkSettings":{"Networks":{"bridge":{"Labels":{"x":"y"}}}},"Name":"/web",)"
    R"("MountPoints":{"Config":{"Labels":{"x":"y"},"Image":"no"}},"RestartCount":0})";

TEST(ParseDockerConfig, KeepsWhatIsWanted) {
  const Result<DockerContainer> container = ParseDockerConfig(kConfig);
  ASSERT_TRUE(container.ok()) << container.error().message;
  EXPECT_EQ(container->id, "0f51");
  EXPECT_EQ(container->name, "web");
  EXPECT_EQ(container->image, "nginx:1");
  EXPECT_THAT(container->labels,
              ElementsAre(Pair("a.b", "c"), Pair("com.docker.compose.project", "shop")));
  EXPECT_FALSE(container->kubernetes);
}

TEST(ParseDockerConfig, KnowsContainersOfKubernetes) {
  const Result<DockerContainer> container = ParseDockerConfig(
      R"({"ID":"1","Name":"k8s_x","Config":{"Labels":{"io.kubernetes.pod.name":"x"}}})");
  ASSERT_TRUE(container.ok());
  EXPECT_TRUE(container->kubernetes);
}

TEST(ParseDockerConfig, LeavesOutLabelsBeyondTheLimit) {
  const std::string large(kDockerLabelsBytesMax, 'x');
  const Result<DockerContainer> container = ParseDockerConfig(
      R"({"ID":"1","Name":"x","Config":{"Labels":{"a":"b","large":")" + large + R"(","c":"d"}}})");
  ASSERT_TRUE(container.ok());
  EXPECT_THAT(container->labels, ElementsAre(Pair("a", "b"), Pair("c", "d")));
}

TEST(ParseDockerConfig, RefusesWhatIsNotWhole) {
  const std::string config = kConfig;
  for (size_t bytes = 0; bytes < config.size(); ++bytes) {
    const Result<DockerContainer> container = ParseDockerConfig(config.substr(0, bytes));
    ASSERT_FALSE(container.ok()) << bytes;
    EXPECT_EQ(container.error().kind, ErrorKind::kCorrupt);
    EXPECT_THAT(container.error().message, Not(HasSubstr("hush")));
  }
  const std::vector<std::string> bad = {
      "[]",
      "{}",
      R"({"ID":"1"})",
      R"({"Name":"x"})",
      R"({"ID":1,"Name":"x"})",
      R"({"ID":["1"],"Name":"x"})",
      "{\"ID\":\"1\",\"Name\":\"\xff\"}",
      config + "x",
      std::string(2 << 20, '['),
      std::string(100, '\0'),
  };
  for (const std::string& json : bad)
    EXPECT_FALSE(ParseDockerConfig(json).ok()) << json.substr(0, 50);
}

}  // namespace
}  // namespace hinomi
