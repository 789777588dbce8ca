#include "collector/container/container_names.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

const std::string kUid = "81f899a9-5b67-4f70-b5e5-ecfa3c7cba2a";

std::string Id(char digit) { return std::string(64, digit); }

TEST(ContainerLink, Parses) {
  const ContainerLink link = ParseContainerLink("web-0_shop_main-app-" + Id('a') + ".log");
  EXPECT_EQ(link.pod, "web-0");
  EXPECT_EQ(link.namespace_name, "shop");
  EXPECT_EQ(link.container, "main-app");
  EXPECT_EQ(link.id, Id('a'));
  for (const std::string& name :
       {std::string(), std::string(".log"), "web-0_shop_main-" + Id('a'),
        "web-0_shop-" + Id('a') + ".log", "web-0_shop_main-" + Id('A') + ".log",
        "web-0_shop_-" + Id('a') + ".log", std::string("web-0_shop_main-abc.log")}) {
    EXPECT_EQ(ParseContainerLink(name).id, "") << name;
  }
}

const std::string kPodPath = "/kubepods/pod" + kUid;
const std::string kContainerPath = kPodPath + "/" + Id('a');

class ContainerNamesTest : public testing::Test {
 protected:
  ContainerNamesTest() : host_(directory_ / "") {
    pod_.kind = CgroupKind::kPod;
    pod_.path = kPodPath;
    container_.kind = CgroupKind::kContainer;
    container_.path = kContainerPath;
    container_.pod = &pod_;
  }
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = directory_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  const TemporaryDirectory directory_;
  const Host host_;
  Config config_;
  Cgroup pod_, container_;
  ContainerNames names_{{host_, config_, nullptr}};
};

TEST_F(ContainerNamesTest, ByTheDirectoriesOfLogs) {
  Write("var/log/pods/shop_web-0_" + kUid + "/main/0.log", "");
  Write("var/log/containers/web-0_shop_main-" + Id('a') + ".log", "");
  const ContainerName pod = names_.Of(pod_, 0);
  EXPECT_EQ(pod.namespace_name, "shop");
  EXPECT_EQ(pod.pod, "web-0");
  EXPECT_EQ(pod.container, "");
  EXPECT_EQ(pod.name, "");
  const ContainerName container = names_.Of(container_, 0);
  EXPECT_EQ(container.namespace_name, "shop");
  EXPECT_EQ(container.pod, "web-0");
  EXPECT_EQ(container.container, "main");
  EXPECT_EQ(container.name, Id('a'));
  EXPECT_EQ(container.image, "");
  EXPECT_TRUE(container.known);
}

TEST_F(ContainerNamesTest, ASandboxByItsProcess) {
  Write("var/log/pods/shop_web-0_" + kUid + "/main/0.log", "");
  Write("proc/17/comm", "pause\n");
  const ContainerName sandbox = names_.Of(container_, 17);
  EXPECT_TRUE(sandbox.known);
  EXPECT_EQ(sandbox.pod, "web-0");
  EXPECT_EQ(sandbox.container, "");
  EXPECT_EQ(sandbox.image, "pause");
}

TEST_F(ContainerNamesTest, WhatNobodyKnowsIsLookedForOnceAScrape) {
  EXPECT_FALSE(names_.Of(container_, 0).known);
  Write("var/log/containers/web-0_shop_main-" + Id('a') + ".log", "");
  EXPECT_FALSE(names_.Of(container_, 0).known);
  names_.Begin();
  EXPECT_TRUE(names_.Of(container_, 0).known);
}

TEST_F(ContainerNamesTest, DockersOwn) {
  container_.pod = nullptr;
  Write("var/lib/docker/containers/" + Id('a') + "/config.v2.json",
        R"({"ID": ")" + Id('a') + R"(", "Name": "/shop-web-1", "Config": {"Image": "nginx:1",
            "Env": ["PASSWORD=secret"], "Labels": {"com.docker.compose.project": "shop",
            "com.docker.compose.service": "web", "other": "x"}}})");
  const ContainerName name = names_.Of(container_, 0);
  EXPECT_EQ(name.name, "shop-web-1");
  EXPECT_EQ(name.image, "nginx:1");
  EXPECT_EQ(name.namespace_name, "");
  EXPECT_EQ(name.docker_labels,
            "container_label_com_docker_compose_project=\"shop\","
            "container_label_com_docker_compose_service=\"web\"");
}

TEST_F(ContainerNamesTest, DamagedDescriptionsNameNobody) {
  container_.pod = nullptr;
  Write("var/lib/docker/containers/" + Id('a') + "/config.v2.json", "{");
  EXPECT_FALSE(names_.Of(container_, 0).known);
}

}  // namespace
}  // namespace hinomi
