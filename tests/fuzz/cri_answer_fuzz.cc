// What a container runtime answers over its socket: whatever pods and containers it names, each
// that comes of it can be kept in a file and read again. The bytes are three answers, one behind
// another.
#include <grpcpp/grpcpp.h>
#include <proto/cri.grpc.pb.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "base/check.h"
#include "base/temporary_directory.h"
#include "metadata/cri.h"
#include "metadata/pod_json.h"

namespace {

namespace cri = ::runtime::v1;

class Runtime final : public cri::RuntimeService::Service {
 public:
  Runtime() : socket(directory_ / "socket") {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  grpc::Status Version(grpc::ServerContext*, const cri::VersionRequest*,
                       cri::VersionResponse* response) override {
    response->set_runtime_name("fuzz");
    return grpc::Status::OK;
  }
  grpc::Status ListContainers(grpc::ServerContext*, const cri::ListContainersRequest*,
                              cri::ListContainersResponse* response) override {
    *response = containers;
    return grpc::Status::OK;
  }
  grpc::Status ListPodSandbox(grpc::ServerContext*, const cri::ListPodSandboxRequest*,
                              cri::ListPodSandboxResponse* response) override {
    *response = sandboxes;
    return grpc::Status::OK;
  }
  grpc::Status ContainerStatus(grpc::ServerContext*, const cri::ContainerStatusRequest*,
                               cri::ContainerStatusResponse* response) override {
    *response = status;
    return grpc::Status::OK;
  }

 private:
  hinomi::TemporaryDirectory directory_;

 public:
  const std::string socket;
  cri::ListPodSandboxResponse sandboxes;
  cri::ListContainersResponse containers;
  cri::ContainerStatusResponse status;

 private:
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  static Runtime runtime;
  const size_t bytes = size - 2;
  const size_t first = bytes * data[0] / 255;
  const size_t second = first + (bytes - first) * data[1] / 255;
  const uint8_t* answers = data + 2;
  const auto parse = [&](auto& message, size_t begin, size_t end) {
    return message.ParseFromArray(answers + begin, static_cast<int>(end - begin));
  };
  if (!parse(runtime.sandboxes, 0, first) || !parse(runtime.containers, first, second) ||
      !parse(runtime.status, second, bytes)) {
    return 0;
  }
  hinomi::PosixFileSystem files;
  hinomi::CriOptions options;
  options.socket = runtime.socket;
  hinomi::CriClient client(options, files);
  if (const auto pods = client.List({})) {
    for (const hinomi::PodMetadata& pod : *pods) {
      const auto again = hinomi::PodFromJson(hinomi::ToJson(pod));
      CHECK(again && *again == pod);
    }
  }
  return 0;
}
