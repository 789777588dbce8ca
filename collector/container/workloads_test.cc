#include "collector/container/workloads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_directory.h"
#include "collector/node/test_host.h"

namespace hinomi {
namespace {

/// Says what the test has put into it.
class Told final : public PodSource {
 public:
  explicit Told(const std::vector<PodMetadata>& pods) : pods_(pods) {}
  Result<std::vector<PodMetadata>> List(const std::stop_token&) override { return pods_; }

 private:
  const std::vector<PodMetadata>& pods_;
};

PodMetadata PodOf(const std::string& uid, const std::string& name, const std::string& image = "",
                  ContainerState state = ContainerState::kRunning) {
  PodMetadata pod;
  pod.uid = uid;
  pod.namespace_name = "shop";
  pod.name = name;
  if (image.empty()) return pod;
  ContainerMetadata& container = pod.containers.emplace_back();
  container.name = "main";
  container.id = uid;
  container.image = image;
  container.image_digest = "sha256:ab";
  container.state = state;
  return pod;
}

class WorkloadsTest : public testing::Test {
 protected:
  std::string Rows() {
    MetadataStore store({directory_ / "metadata", Duration{0}, 100},
                        {.runtime = std::make_unique<Told>(runtime_),
                         .kubelet = std::make_unique<Told>(kubelet_),
                         .files = files_,
                         .clock = host_.clock,
                         .metrics = metrics_,
                         .changed = [](const std::vector<std::string>&) {}});
    store.Load();
    store.Step({});
    const Host host(host_.root());
    Workloads workloads({host, config_, &store, host_.clock});
    return host_.Rows(workloads);
  }

  TemporaryDirectory directory_;
  PosixFileSystem files_;
  Metrics metrics_;
  TestHost host_;
  Config config_;
  std::vector<PodMetadata> runtime_, kubelet_;
};

TEST_F(WorkloadsTest, WhichReleasesRun) {
  runtime_ = {PodOf("a", "web-0", "koudaiii/demo:master-fc598063"),
              PodOf("b", "web-1", "koudaiii/demo:master-fc598063"),
              PodOf("c", "web-2", "koudaiii/demo:master-0a598063"),
              PodOf("d", "web-3", "koudaiii/demo:old-ffffffff", ContainerState::kExited),
              PodOf("e", "db-0", "mysql:8")};
  runtime_[4].containers[0].revision = "77\"";
  EXPECT_EQ(Rows(), R"(hinomi_release_info{namespace="shop",workload="db",branch="unknown",)"
                    R"(commit="77\"",image_digest="sha256:ab"} 1)"
                    "\n");
  config_.metadata.release_pattern = "^(?P<branch>.+)-(?P<commit>[0-9a-f]{8})$";
  runtime_[4].containers[0].revision.clear();
  const auto row = [](const std::string& workload, const std::string& branch,
                      const std::string& commit) {
    return R"(hinomi_release_info{namespace="shop",workload=")" + workload + R"(",branch=")" +
           branch + R"(",commit=")" + commit + R"(",image_digest="sha256:ab"} 1)" + "\n";
  };
  EXPECT_EQ(Rows(), row("db", "unknown", "unknown") + row("web", "master", "0a598063") +
                        row("web", "master", "fc598063"));
}

TEST_F(WorkloadsTest, HowManyPodsAreReady) {
  config_.node = "node-1";
  runtime_ = {PodOf("a", "web-0"), PodOf("b", "web-1"), PodOf("c", "db-0"), PodOf("d", "job-0"),
              PodOf("e", "etcd-node-1")};
  kubelet_ = runtime_;
  for (PodMetadata& pod : kubelet_) pod.from_kubelet = true;
  kubelet_[0].ready = true;
  kubelet_[1].ready = false;
  kubelet_[2].ready = false;
  kubelet_[4].ready = true;
  kubelet_[1].owner = {"StatefulSet", "web", "u"};
  EXPECT_EQ(Rows(),
            "hinomi_pod_ready{namespace=\"shop\",workload=\"db\"} 0\n"
            "hinomi_pod_ready{namespace=\"shop\",workload=\"etcd\"} 1\n"
            "hinomi_pod_ready{namespace=\"shop\",workload=\"web\"} 1\n");
}

TEST_F(WorkloadsTest, HowManyPodsThereMayBe) {
  config_.metrics.pod_capacity = 42;
  EXPECT_EQ(Rows(), "hinomi_node_pod_capacity 42\n");
}

}  // namespace
}  // namespace hinomi
