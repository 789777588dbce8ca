#include "metadata/cri.h"

#include <fmt/core.h>
#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>
#include <proto/cri.grpc.pb.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "metadata/image_label.h"
#include "metadata/pod_path.h"
#include "metadata/release.h"

namespace hinomi {
namespace {

namespace cri = ::runtime::v1;

constexpr std::array<std::string_view, 8> kSockets = {
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/cri-dockerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/var/run/containerd/containerd.sock",
    "/var/run/crio/crio.sock",
    "/var/run/cri-dockerd.sock",
    "/var/run/k3s/containerd/containerd.sock",
};

/// The library would write to standard error in a form of its own; what counts is in the statuses.
void SilenceLibrary() {
  static std::once_flag once;
  std::call_once(once, [] { gpr_set_log_function([](gpr_log_func_args*) {}); });
}

ContainerState StateOf(cri::ContainerState state) {
  switch (state) {
    case cri::CONTAINER_CREATED:
      return ContainerState::kCreated;
    case cri::CONTAINER_RUNNING:
      return ContainerState::kRunning;
    case cri::CONTAINER_EXITED:
      return ContainerState::kExited;
    default:
      return ContainerState::kUnknown;
  }
}

/// sha256:… of `name@sha256:…`, `docker-pullable://name@sha256:…`, `docker://sha256:…`.
std::string DigestOf(std::string_view reference) {
  const size_t at = reference.rfind("sha256:");
  return at == std::string_view::npos ? std::string() : std::string(reference.substr(at));
}

std::string SocketError(std::string_view verb, const std::string& socket,
                        const grpc::Status& status) {
  return fmt::format("cannot {} \"{}\": {}", verb, socket,
                     status.error_code() == grpc::StatusCode::UNIMPLEMENTED
                         ? "it does not serve the container runtime interface, version v1"
                         : status.error_message());
}

/// How the image was named and, of one that has exited, how it ended.
void TakeStatus(const cri::ContainerStatus& status, ContainerMetadata* container) {
  // The runtime may name an image by another of its tags than the pod does.
  const std::string& wanted = status.image().user_specified_image();
  container->image = wanted.empty() ? status.image().image() : wanted;
  const std::string digest = DigestOf(status.image_ref());
  if (!digest.empty()) container->image_digest = digest;
  container->state = StateOf(status.state());
  container->started = Duration(status.started_at());
  if (container->state != ContainerState::kExited) return;
  container->exit_code = status.exit_code();
  container->reason = status.reason();
  container->finished = Duration(status.finished_at());
}

/// Of each pod its newest sandbox.
std::map<std::string, const cri::PodSandbox*> NewestSandboxes(
    const cri::ListPodSandboxResponse& sandboxes) {
  std::map<std::string, const cri::PodSandbox*> newest;
  for (const cri::PodSandbox& sandbox : sandboxes.items()) {
    if (!IsPodUid(sandbox.metadata().uid())) continue;
    const cri::PodSandbox*& slot = newest[sandbox.metadata().uid()];
    if (slot == nullptr || slot->created_at() < sandbox.created_at()) slot = &sandbox;
  }
  return newest;
}

/// The pods without their containers, by UID.
std::map<std::string, PodMetadata> PodsOf(const cri::ListPodSandboxResponse& sandboxes,
                                          const std::vector<std::string>& annotations) {
  std::map<std::string, PodMetadata> pods;
  for (const auto& [uid, sandbox] : NewestSandboxes(sandboxes)) {
    PodMetadata& pod = pods[uid];
    pod.uid = uid;
    pod.namespace_name = sandbox->metadata().namespace_();
    pod.name = sandbox->metadata().name();
    pod.sandbox_id = sandbox->id();
    pod.labels = {sandbox->labels().begin(), sandbox->labels().end()};
    for (const auto& [key, value] : sandbox->annotations()) {
      if (KeepsAnnotation(key, annotations)) pod.annotations[key] = value;
    }
  }
  return pods;
}

}  // namespace

std::span<const std::string_view> KnownCriSockets() { return kSockets; }

struct CriClient::Connection {
  std::string socket;
  std::string runtime;
  std::unique_ptr<cri::RuntimeService::Stub> stub;
  std::chrono::milliseconds call_time_max;

  template <typename Request, typename Response>
  using Method = grpc::Status (cri::RuntimeService::Stub::*)(grpc::ClientContext*, const Request&,
                                                             Response*);

  template <typename Request, typename Response>
  grpc::Status Call(Method<Request, Response> method, const Request& request, Response* response,
                    const std::stop_token& stop) const {
    grpc::ClientContext context;
    // Not a time of day: those jump.
    context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                      gpr_time_from_millis(call_time_max.count(), GPR_TIMESPAN)));
    const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
    return (stub.get()->*method)(&context, request, response);
  }

  /// Asks for what is not yet known of a container, unless `stop` is null. False when no more
  /// should be asked now.
  bool Update(const cri::Container& listed, ContainerMetadata* container,
              const std::stop_token* stop) const;
};

CriClient::CriClient(CriOptions options, FileSystem& files)
    : options_(std::move(options)), files_(files) {
  SilenceLibrary();
}

CriClient::~CriClient() = default;

std::vector<std::string> CriClient::Sockets(std::string* missing) const {
  std::vector<std::string_view> candidates(kSockets.begin(), kSockets.end());
  if (!options_.socket.empty()) candidates = {options_.socket};
  std::vector<std::string> sockets;
  for (const std::string_view candidate : candidates) {
    const Result<std::string> path = files_.Resolve(options_.host_root, std::string(candidate));
    if (!path) {
      *missing = path.error().message;
    } else if (std::find(sockets.begin(), sockets.end(), *path) == sockets.end()) {
      sockets.push_back(*path);  // /var/run is often a link to /run
    }
  }
  return sockets;
}

Result<void> CriClient::Connect(const std::stop_token& stop) {
  std::string problem;
  const std::vector<std::string> sockets = Sockets(&problem);
  if (sockets.empty() && options_.socket.empty()) {
    return Error{ErrorKind::kIo,
                 fmt::format("cannot find the socket of a container runtime below \"{}\": none of "
                             "the known ones is there; mount it, or name it in metadata.cri_socket",
                             options_.host_root)};
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options_.answer_bytes_max));
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Else a new channel would inherit how long the last one waits before it connects again.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  for (const std::string& socket : sockets) {
    auto connection = std::make_unique<Connection>();
    connection->socket = socket;
    connection->call_time_max = options_.call_time_max;
    connection->stub = cri::RuntimeService::NewStub(
        grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments));
    cri::VersionResponse version;
    const grpc::Status status = connection->Call(&cri::RuntimeService::Stub::Version,
                                                 cri::VersionRequest(), &version, stop);
    if (status.ok()) {
      connection->runtime = version.runtime_name();
      connection_ = std::move(connection);
      return {};
    }
    problem = SocketError("reach the container runtime at", socket, status);
  }
  return Error{ErrorKind::kTransient, problem};
}

Result<std::vector<PodMetadata>> CriClient::List(const std::stop_token& stop) {
  if (connection_ == nullptr) {
    const Result<void> connected = Connect(stop);
    if (!connected) return connected.error();
  }
  auto pods = ListConnected(stop);
  if (!pods) connection_.reset();
  return pods;
}

Result<std::vector<WritableLayer>> CriClient::Layers(const std::stop_token& stop) {
  if (connection_ == nullptr) {
    const Result<void> connected = Connect(stop);
    if (!connected) return connected.error();
  }
  cri::ListContainerStatsResponse response;
  const grpc::Status status = connection_->Call(&cri::RuntimeService::Stub::ListContainerStats,
                                                cri::ListContainerStatsRequest(), &response, stop);
  if (!status.ok()) {
    Error error{ErrorKind::kTransient,
                SocketError("list what containers use of", connection_->socket, status)};
    connection_.reset();
    return error;
  }
  std::vector<WritableLayer> layers;
  for (const cri::ContainerStats& stats : response.stats()) {
    if (!stats.writable_layer().has_used_bytes()) continue;
    layers.push_back({stats.attributes().id(), stats.writable_layer().used_bytes().value(),
                      stats.writable_layer().fs_id().mountpoint()});
  }
  return layers;
}

bool CriClient::Connection::Update(const cri::Container& listed, ContainerMetadata* container,
                                   const std::stop_token* stop) const {
  // Its name for the image and how it ended are not in the list; they change with the state alone.
  const bool changed = container->image.empty() || container->state != StateOf(listed.state());
  container->id = listed.id();
  container->name = listed.metadata().name();
  container->attempt = listed.metadata().attempt();
  container->runtime = runtime;
  if (container->image_digest.empty()) container->image_digest = DigestOf(listed.image_ref());
  if (!changed || stop == nullptr) return stop != nullptr;
  cri::ContainerStatusRequest request;
  request.set_container_id(listed.id());
  cri::ContainerStatusResponse response;
  const grpc::Status status =
      Call(&cri::RuntimeService::Stub::ContainerStatus, request, &response, *stop);
  if (status.ok()) TakeStatus(response.status(), container);
  return status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED;
}

Result<std::vector<PodMetadata>> CriClient::ListConnected(const std::stop_token& stop) {
  using Stub = cri::RuntimeService::Stub;
  cri::ListContainersResponse containers;
  cri::ListPodSandboxResponse sandboxes;
  // Containers first: so each that is listed has its pod in the second answer.
  grpc::Status status =
      connection_->Call(&Stub::ListContainers, cri::ListContainersRequest(), &containers, stop);
  if (status.ok()) {
    status =
        connection_->Call(&Stub::ListPodSandbox, cri::ListPodSandboxRequest(), &sandboxes, stop);
  }
  if (!status.ok()) {
    return Error{ErrorKind::kTransient,
                 SocketError("list the pods of", connection_->socket, status)};
  }
  std::map<std::string, PodMetadata> pods = PodsOf(sandboxes, options_.annotations);
  std::map<std::string, std::string> uid_of;  // by sandbox
  for (const cri::PodSandbox& sandbox : sandboxes.items()) {
    uid_of[sandbox.id()] = sandbox.metadata().uid();
  }
  std::unordered_map<std::string, ContainerMetadata> known;
  bool answers = true;
  for (const cri::Container& listed : containers.containers()) {
    const auto uid = uid_of.find(listed.pod_sandbox_id());
    const auto pod = uid == uid_of.end() ? pods.end() : pods.find(uid->second);
    if (pod == pods.end()) continue;
    ContainerMetadata& container = known[listed.id()];
    const auto before = known_.find(listed.id());
    if (before != known_.end()) {
      container = std::move(before->second);
    } else {
      container.revision =
          ImageLabel(files_, options_.host_root, listed.image_ref(), kRevisionLabel);
    }
    // What is known of the others must not wait for the deadlines of all their calls.
    answers = connection_->Update(listed, &container, answers ? &stop : nullptr);
    pod->second.containers.push_back(container);
  }
  known_ = std::move(known);
  std::vector<PodMetadata> list;
  for (auto& [uid, pod] : pods) {
    std::sort(pod.containers.begin(), pod.containers.end(), [](const auto& one, const auto& other) {
      return std::tie(one.name, one.attempt) < std::tie(other.name, other.attempt);
    });
    list.push_back(std::move(pod));
  }
  return list;
}

}  // namespace hinomi
