// The container runtime's own knowledge of this node's pods, over the socket of its container
// runtime interface. gRPC stays behind this file. Only lists and plain states are asked for, never
// verbose ones, which hold the environments of containers; no answer is ever logged.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/filesystem.h"
#include "metadata/layer_source.h"
#include "metadata/pod_source.h"

namespace hinomi {

struct CriOptions {
  std::string host_root = "/";
  std::string socket;  // below host_root; empty: the first known one whose runtime answers
  std::vector<std::string> annotations;           // patterns of those that are kept
  std::chrono::milliseconds call_time_max{5000};  // of each call
  size_t answer_bytes_max = 16 << 20;             // of each call
};

/// Where runtimes have their sockets, in the order they are tried.
/// Source: the defaults of containerd, CRI-O, cri-dockerd and k3s.
std::span<const std::string_view> KnownCriSockets();

/// Keeps its connection until a call fails, and then looks for a socket again.
class CriClient final : public PodSource, public LayerSource {
 public:
  CriClient(CriOptions options, FileSystem& files);
  ~CriClient() override;
  CriClient(const CriClient&) = delete;
  CriClient& operator=(const CriClient&) = delete;

  /// Pods with their labels at their creation and their containers. Error io when no socket was
  /// named and none is there.
  Result<std::vector<PodMetadata>> List(const std::stop_token& stop) override;
  /// Dear: the runtime asks the kernel for everything it can count of each container.
  Result<std::vector<WritableLayer>> Layers(const std::stop_token& stop) override;

 private:
  struct Connection;
  std::vector<std::string> Sockets(std::string* missing) const;
  Result<void> Connect(const std::stop_token& stop);
  Result<std::vector<PodMetadata>> ListConnected(const std::stop_token& stop);

  const CriOptions options_;
  FileSystem& files_;
  std::unique_ptr<Connection> connection_;
  /// By the container's id. What is constant in one is not asked for again.
  std::unordered_map<std::string, ContainerMetadata> known_;
};

}  // namespace hinomi
