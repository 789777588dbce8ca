#include "metadata/cri.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <proto/cri.grpc.pb.h>

#include <atomic>
#include <functional>
#include <thread>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

namespace cri = ::runtime::v1;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

/// A runtime in this process that says what the test wants.
class FakeRuntime final : public cri::RuntimeService::Service {
 public:
  explicit FakeRuntime(const std::string& socket) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeRuntime() override {
    hang = false;
    server_->Shutdown();
  }

  grpc::Status Version(grpc::ServerContext*, const cri::VersionRequest*,
                       cri::VersionResponse* response) override {
    if (unimplemented) return {grpc::StatusCode::UNIMPLEMENTED, "unknown service"};
    if (hang) Hang();
    response->set_runtime_name("containerd");
    return grpc::Status::OK;
  }
  grpc::Status ListContainers(grpc::ServerContext*, const cri::ListContainersRequest*,
                              cri::ListContainersResponse* response) override {
    if (hang_lists) Hang();
    *response = containers;
    return grpc::Status::OK;
  }
  grpc::Status ListPodSandbox(grpc::ServerContext*, const cri::ListPodSandboxRequest*,
                              cri::ListPodSandboxResponse* response) override {
    *response = sandboxes;
    return grpc::Status::OK;
  }
  grpc::Status ContainerStatus(grpc::ServerContext*, const cri::ContainerStatusRequest* request,
                               cri::ContainerStatusResponse* response) override {
    ++statuses_asked;
    if (hang_statuses) Hang();
    const auto found = statuses.find(request->container_id());
    if (found == statuses.end()) return {grpc::StatusCode::NOT_FOUND, "gone"};
    *response->mutable_status() = found->second;
    return grpc::Status::OK;
  }

  grpc::Status ListContainerStats(grpc::ServerContext*, const cri::ListContainerStatsRequest*,
                                  cri::ListContainerStatsResponse* response) override {
    if (hang_lists) Hang();
    *response = stats;
    return grpc::Status::OK;
  }

  void AddPod(const std::string& uid, const std::string& sandbox) {
    cri::PodSandbox& item = *sandboxes.add_items();
    item.set_id(sandbox);
    item.mutable_metadata()->set_uid(uid);
    item.mutable_metadata()->set_name("web");
    item.mutable_metadata()->set_namespace_("prod");
    item.set_created_at(sandboxes.items_size());
    (*item.mutable_labels())["app"] = sandbox;
    (*item.mutable_annotations())["hinomi.io/weight"] = "3";
    (*item.mutable_annotations())["team"] = "a";
    (*item.mutable_annotations())["kubectl.kubernetes.io/last-applied-configuration"] = "PASSWORD";
  }
  void AddContainer(const std::string& id, const std::string& sandbox, uint32_t attempt,
                    cri::ContainerState state) {
    cri::Container& item = *containers.add_containers();
    item.set_id(id);
    item.set_pod_sandbox_id(sandbox);
    item.mutable_metadata()->set_name("main");
    item.mutable_metadata()->set_attempt(attempt);
    item.set_state(state);
    item.set_image_ref("sha256:ff");
    cri::ContainerStatus& status = statuses[id];
    status.set_state(state);
    status.set_started_at(5);
    status.mutable_image()->set_image("nginx:1");
    status.set_image_ref("docker.io/nginx@sha256:ab");
    if (state != cri::CONTAINER_EXITED) return;
    status.set_exit_code(137);
    status.set_reason("OOMKilled");
    status.set_finished_at(9);
  }

  cri::ListContainersResponse containers;
  cri::ListPodSandboxResponse sandboxes;
  cri::ListContainerStatsResponse stats;
  std::map<std::string, cri::ContainerStatus> statuses;
  std::atomic<int> statuses_asked = 0;
  std::atomic<bool> unimplemented = false, hang = false, hang_lists = false, hang_statuses = false;

 private:
  void Hang() {
    for (int i = 0; i < 500 && (hang || hang_lists || hang_statuses); ++i) {
      std::this_thread::sleep_for(milliseconds(10));
    }
  }

  std::unique_ptr<grpc::Server> server_;
};

class CriClientTest : public testing::Test {
 protected:
  CriClientTest() {
    std::filesystem::create_directories(directory_ / "run/containerd");
    std::filesystem::create_directories(directory_ / "run/crio");
  }

  std::unique_ptr<FakeRuntime> Runtime(
      const std::string& socket = "run/containerd/containerd.sock") {
    return std::make_unique<FakeRuntime>(directory_ / socket);
  }
  CriOptions Options() {
    CriOptions options;
    options.host_root = directory_.path();
    options.annotations = {"te*"};
    options.call_time_max = milliseconds(300);
    return options;
  }

  TemporaryDirectory directory_;
  PosixFileSystem files_;
};

TEST_F(CriClientTest, ListsPodsAndTheirContainers) {
  const auto runtime = Runtime();
  runtime->AddPod("u-1", "s1");
  runtime->AddPod("../x", "s2");
  runtime->AddContainer("c1", "s1", 1, cri::CONTAINER_RUNNING);
  runtime->AddContainer("c0", "s1", 0, cri::CONTAINER_EXITED);
  runtime->AddContainer("c9", "s9", 0, cri::CONTAINER_RUNNING);
  CriClient client(Options(), files_);
  const auto pods = client.List({});
  ASSERT_TRUE(pods) << pods.error().message;
  ASSERT_EQ(pods->size(), 1u);
  const PodMetadata& pod = pods->front();
  EXPECT_EQ(pod.uid, "u-1");
  EXPECT_EQ(pod.namespace_name, "prod");
  EXPECT_EQ(pod.name, "web");
  EXPECT_THAT(pod.labels, ElementsAre(Pair("app", "s1")));
  EXPECT_THAT(pod.annotations, ElementsAre(Pair("hinomi.io/weight", "3"), Pair("team", "a")));
  EXPECT_THAT(
      pod.containers,
      ElementsAre(
          ContainerMetadata{"main", 0, "c0", "nginx:1", "sha256:ab", "containerd", "",
                            ContainerState::kExited, 137, "OOMKilled", Duration(9), Duration(5)},
          ContainerMetadata{"main", 1, "c1", "nginx:1", "sha256:ab", "containerd", "",
                            ContainerState::kRunning, 0, "", Duration(0), Duration(5)}));
}

TEST_F(CriClientTest, AsksForAStateOnlyWhenItChanged) {
  const auto runtime = Runtime();
  runtime->AddPod("u-1", "s1");
  runtime->AddContainer("c0", "s1", 0, cri::CONTAINER_RUNNING);
  CriClient client(Options(), files_);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client.List({}));
  EXPECT_EQ(runtime->statuses_asked, 1);
  runtime->containers.Clear();
  runtime->AddContainer("c0", "s1", 0, cri::CONTAINER_EXITED);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.List({})->at(0).containers.at(0).exit_code, 137);
  EXPECT_EQ(runtime->statuses_asked, 2);
  runtime->containers.Clear();
  EXPECT_THAT(client.List({})->at(0).containers, IsEmpty());
  runtime->AddContainer("c1", "s1", 1, cri::CONTAINER_RUNNING);
  runtime->statuses.clear();  // removed between two calls
  EXPECT_EQ(client.List({})->at(0).containers.at(0).id, "c1");
  EXPECT_EQ(client.List({})->at(0).containers.at(0).image, "");
}

TEST_F(CriClientTest, TheNewestSandboxCounts) {
  const auto runtime = Runtime();
  runtime->AddPod("u-1", "s1");
  runtime->AddPod("u-1", "s2");
  runtime->AddContainer("c0", "s1", 0, cri::CONTAINER_EXITED);
  runtime->AddContainer("c1", "s2", 1, cri::CONTAINER_RUNNING);
  CriClient client(Options(), files_);
  const auto pods = client.List({});
  ASSERT_EQ(pods->size(), 1u);
  EXPECT_EQ(pods->at(0).labels.at("app"), "s2");
  EXPECT_EQ(pods->at(0).containers.size(), 2u);
}

TEST_F(CriClientTest, TriesTheKnownSocketsInTheirOrder) {
  CriClient client(Options(), files_);
  EXPECT_EQ(client.List({}).error().kind, ErrorKind::kIo) << "nobody is there to ask";
  // Docker's containerd has the plug-in switched off.
  const auto first = Runtime();
  first->unimplemented = true;
  EXPECT_EQ(client.List({}).error().kind, ErrorKind::kTransient);
  EXPECT_THAT(client.List({}).error().message, HasSubstr("does not serve the container runtime"));
  const auto second = Runtime("run/crio/crio.sock");
  second->AddPod("u-2", "s1");
  EXPECT_EQ(client.List({})->at(0).uid, "u-2");
  std::filesystem::create_directory_symlink("/run", directory_ / "var");
  CriOptions named = Options();
  named.socket = "/run/missing.sock";
  const auto missing = CriClient(named, files_).List({});
  EXPECT_EQ(missing.error().kind, ErrorKind::kTransient) << "one that was named is to be there";
  EXPECT_THAT(missing.error().message, HasSubstr("missing.sock"));
}

TEST_F(CriClientTest, ComesBackAfterARestart) {
  CriClient client(Options(), files_);
  auto runtime = Runtime();
  runtime->AddPod("u-1", "s1");
  ASSERT_TRUE(client.List({}));
  runtime.reset();
  EXPECT_FALSE(client.List({}));
  runtime = Runtime();
  runtime->AddPod("u-2", "s1");
  const auto pods = client.List({});
  ASSERT_TRUE(pods) << pods.error().message;
  EXPECT_EQ(pods->at(0).uid, "u-2");
}

TEST_F(CriClientTest, NoCallLastsLongerThanItMay) {
  const auto runtime = Runtime();
  runtime->AddPod("u-1", "s1");
  for (int i = 0; i < 50; ++i) {
    runtime->AddContainer("c" + std::to_string(i), "s1", i, cri::CONTAINER_RUNNING);
  }
  CriClient client(Options(), files_);
  const auto timed = [&] {
    const auto begin = std::chrono::steady_clock::now();
    auto pods = client.List({});
    EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(1500));
    return pods;
  };
  runtime->hang = true;
  EXPECT_THAT(timed().error().message, HasSubstr("Deadline"));
  runtime->hang = false;
  runtime->hang_lists = true;
  EXPECT_THAT(timed().error().message, HasSubstr("cannot list the pods of"));
  runtime->hang_lists = false;
  runtime->hang_statuses = true;
  const auto pods = timed();
  ASSERT_TRUE(pods) << "the lists alone are worth having: " << pods.error().message;
  EXPECT_EQ(pods->at(0).containers.size(), 50u);
  runtime->hang_statuses = false;
  EXPECT_EQ(timed()->at(0).containers.at(49).image, "nginx:1");
}

TEST_F(CriClientTest, TellsWhatContainersHaveWritten) {
  const auto runtime = Runtime();
  for (const char* id : {"c1", "c2"}) {
    cri::ContainerStats& of_container = *runtime->stats.add_stats();
    of_container.mutable_attributes()->set_id(id);
    if (id == std::string("c2")) continue;  // just made: the runtime has not looked yet
    cri::FilesystemUsage& layer = *of_container.mutable_writable_layer();
    layer.mutable_used_bytes()->set_value(4096);
    layer.mutable_fs_id()->set_mountpoint("/var/lib/containerd");
  }
  CriClient client(Options(), files_);
  const auto layers = client.Layers({});
  ASSERT_TRUE(layers) << layers.error().message;
  ASSERT_EQ(layers->size(), 1u);
  EXPECT_EQ(layers->front().container_id, "c1");
  EXPECT_EQ(layers->front().bytes, 4096u);
  EXPECT_EQ(layers->front().mount_point, "/var/lib/containerd");

  runtime->hang_lists = true;
  const auto silent = client.Layers({});
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().kind, ErrorKind::kTransient);
  EXPECT_THAT(silent.error().message, HasSubstr("cannot list what containers use of"));
  runtime->hang_lists = false;
  EXPECT_TRUE(client.Layers({})) << "it connects again";
}

TEST_F(CriClientTest, AStopEndsACall) {
  const auto runtime = Runtime();
  runtime->hang = true;
  CriOptions options = Options();
  options.call_time_max = std::chrono::seconds(30);
  CriClient client(options, files_);
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(milliseconds(50));
    stop.request_stop();
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(client.List(stop.get_token()));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

TEST_F(CriClientTest, AHugeAnswerIsRefused) {
  const auto runtime = Runtime();
  for (int i = 0; i < 2000; ++i) runtime->AddPod("u-" + std::to_string(i), std::string(500, 's'));
  CriOptions options = Options();
  options.answer_bytes_max = 1 << 20;
  const auto pods = CriClient(options, files_).List({});
  ASSERT_FALSE(pods);
  EXPECT_EQ(pods.error().kind, ErrorKind::kTransient);
  EXPECT_THAT(pods.error().message, testing::Not(HasSubstr("PASSWORD")));
  EXPECT_TRUE(CriClient(Options(), files_).List({}));
}

TEST_F(CriClientTest, WhatIsNoRuntimeIsSaid) {
  directory_.Append("run/containerd/containerd.sock", "a file");
  const auto pods = CriClient(Options(), files_).List({});
  ASSERT_FALSE(pods);
  EXPECT_EQ(pods.error().kind, ErrorKind::kTransient);
}

}  // namespace
}  // namespace hinomi
