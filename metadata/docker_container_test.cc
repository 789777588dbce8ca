#include "metadata/docker_container.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

TEST(PodInfoOf, Table) {
  struct Case {
    std::vector<std::pair<std::string, std::string>> labels;
    std::string namespace_name;
    std::string pod_name;
  };
  const std::string project(kComposeProjectLabel);
  const std::string service(kComposeServiceLabel);
  const std::vector<Case> cases = {
      {{}, "docker", "web-1"},
      {{{"app", "x"}}, "docker", "web-1"},
      {{{project, "shop"}, {service, "web"}}, "shop", "web"},
      {{{project, "shop"}}, "shop", "web-1"},
      {{{project, ""}, {service, ""}}, "docker", "web-1"},
  };
  for (const Case& c : cases) {
    const auto container = std::make_shared<const DockerContainer>(
        DockerContainer{"0f51", "web-1", "nginx", c.labels, false});
    const PodInfo info = PodInfoOf(container);
    EXPECT_EQ(info.namespace_name, c.namespace_name);
    EXPECT_EQ(info.pod_name, c.pod_name);
    EXPECT_EQ(info.container_name, "web-1");
    EXPECT_EQ(info.pod_uid, "0f51");
    EXPECT_EQ(info.docker, container);
  }
}

}  // namespace
}  // namespace hinomi
