#include "metadata/pod_path.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

std::string PodOf(std::string_view directory) {
  auto pod = ParsePodDirectory(directory);
  if (!pod) return "-";
  return pod->namespace_name + " " + pod->pod_name + " " + pod->pod_uid;
}

TEST(PodPath, ParsesPodDirectories) {
  const struct {
    std::string name;
    std::string want;
  } kCases[] = {
      {"default_web-0_0b3ac1f6-5a7e-4f0c-9d5e-0c6b8f1a2d3e",
       "default web-0 0b3ac1f6-5a7e-4f0c-9d5e-0c6b8f1a2d3e"},
      {"kube-system_etcd-node-1_64f8a1c2b3d4e5f60718293a4b5c6d7e",
       "kube-system etcd-node-1 64f8a1c2b3d4e5f60718293a4b5c6d7e"},
      {"a_b.c.d_u", "a b.c.d u"},
      {std::string(63, 'n') + "_p_u", std::string(63, 'n') + " p u"},
      {"n_" + std::string(253, 'p') + "_u", "n " + std::string(253, 'p') + " u"},
      {"", "-"},
      {"default", "-"},
      {"default_web-0", "-"},
      {"default_web-0_", "-"},
      {"_web-0_u", "-"},
      {"default__u", "-"},
      {"default_web_0_u", "-"},
      {"Default_web-0_u", "-"},
      {"default_Web-0_u", "-"},
      {"a.b_web-0_u", "-"},
      {"-a_web-0_u", "-"},
      {"a-_web-0_u", "-"},
      {"a_web-_u", "-"},
      {"a_web..x_u", "-"},
      {"a_.web_u", "-"},
      {"a_web-0_-u", "-"},
      {"a_web-0_u u", "-"},
      {"a_web/0_u", "-"},
      {"a_../u_u", "-"},
      {std::string("a_we\0b_u", 8), "-"},
      {std::string(64, 'n') + "_p_u", "-"},
      {"n_" + std::string(254, 'p') + "_u", "-"},
      {"n_p_" + std::string(64, 'u'), "-"},
  };
  for (const auto& test : kCases) EXPECT_EQ(PodOf(test.name), test.want) << test.name;
}

TEST(PodPath, KnowsContainerNames) {
  for (const char* name : {"app", "istio-proxy", "0"}) EXPECT_TRUE(IsContainerName(name)) << name;
  for (const char* name : {"", ".", "..", "App", "a.b", "a_b", "-a"}) {
    EXPECT_FALSE(IsContainerName(name)) << name;
  }
}

std::string LogOf(std::string_view name) {
  auto file = ParseLogFile(name);
  if (!file) return "-";
  const char* const kinds[] = {"current", "rotated", "compressed", "temporary"};
  std::string text =
      std::to_string(file->restart_count) + " " + kinds[static_cast<int>(file->kind)];
  return file->rotation.empty() ? text : text + " " + file->rotation;
}

TEST(PodPath, ParsesLogFiles) {
  const struct {
    const char* name;
    const char* want;
  } kCases[] = {
      {"0.log", "0 current"},
      {"12.log", "12 current"},
      {"4294967295.log", "4294967295 current"},
      {"3.log.20261121-022645", "3 rotated 20261121-022645"},
      {"3.log.20261121-022645.gz", "3 compressed 20261121-022645"},
      {"3.log.20261121-022645.gz.tmp", "3 temporary 20261121-022645"},
      {"3.log.20261121-022645.tmp", "3 temporary 20261121-022645"},
      {"", "-"},
      {".log", "-"},
      {"0", "-"},
      {"0.", "-"},
      {"0.log.", "-"},
      {"0.log.1", "-"},
      {"0.log.gz", "-"},
      {"0.logs", "-"},
      {"0.logx20261121-022645", "-"},
      {"0.log.20261121-02264", "-"},
      {"0.log.20261121-0226450", "-"},
      {"0.log.20261121_022645", "-"},
      {"0.log.2026112a-022645", "-"},
      {"0.log.20261121-022645.zip", "-"},
      {"0.log.20261121-022645.gz.gz", "-"},
      {"00.log", "-"},
      {"01.log", "-"},
      {"-1.log", "-"},
      {"+1.log", "-"},
      {" 1.log", "-"},
      {"4294967296.log", "-"},
      {"app.log", "-"},
      {"0.log ", "-"},
  };
  for (const auto& test : kCases) EXPECT_EQ(LogOf(test.name), test.want) << test.name;
}

}  // namespace
}  // namespace hinomi
