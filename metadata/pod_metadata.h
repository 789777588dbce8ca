// What is known of a pod beyond the names in its log's path: labels, who owns it, which containers
// ran in it. Plain data, shared as std::shared_ptr<const PodMetadata>; where it comes from is said
// in metadata/pod_source.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "metadata/pod_info.h"

namespace hinomi {

enum class ContainerState : uint8_t { kUnknown, kCreated, kRunning, kExited };
inline constexpr size_t kContainerStates = 4;
std::string_view ToString(ContainerState state);

/// One run of a container.
struct ContainerMetadata {
  std::string name;
  uint32_t attempt = 0;  // the restart count in the name of its log
  std::string id;
  std::string image;         // as the pod names it; empty until the runtime has told
  std::string image_digest;  // sha256:…, of what was pulled, or of an image that never was
  std::string runtime;       // "containerd", "cri-o", …
  std::string revision;      // what its image says that it was built from; empty: nothing
  ContainerState state = ContainerState::kUnknown;
  int32_t exit_code = 0;  // these three once it has exited
  std::string reason;     // "OOMKilled", "Error", "Completed"
  Duration finished{0};   // Unix time
  Duration started{0};    // Unix time; zero: never
  bool operator==(const ContainerMetadata&) const = default;
};

/// The top controller as far as one node can tell: a ReplicaSet's Deployment, a Job's CronJob.
struct PodOwner {
  std::string kind;  // empty: not known
  std::string name;
  std::string uid;  // empty where only the names told
  bool operator==(const PodOwner&) const = default;
};

struct PodMetadata {
  std::string uid;
  std::string namespace_name;
  std::string name;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;  // those that KeepsAnnotation lets pass
  PodOwner owner;
  bool from_kubelet =
      false;  // labels, annotations and owner are the kubelet's: they follow changes
  std::vector<ContainerMetadata> containers;  // by name, then attempt
  std::string sandbox_id;                     // of its newest; empty until the runtime has told
  /// As a source has just listed it; nothing once the pod has ended, or where that is not told. The
  /// store keeps it apart, since it comes and goes.
  std::optional<bool> ready = {};
  bool operator==(const PodMetadata&) const = default;
};

/// Null when it is not among the pod's.
const ContainerMetadata* FindContainer(const PodMetadata& pod, std::string_view name,
                                       uint32_t attempt);

/// Its owner's name; where that is not known, what the pod's own name tells on the node
/// `node_name`.
std::string WorkloadNameOf(const PodMetadata& pod, std::string_view node_name);

/// Tells `info` what is known of its pod; an owner that is known replaces the workload guessed from
/// the name. `pod` may be null.
void Enrich(std::shared_ptr<const PodMetadata> pod, PodInfo* info);

}  // namespace hinomi
