// Who is behind a cgroup: from the directories of logs alone, so that names are there with runtime,
// kubelet and API server down; images and the rest from the metadata where that is known. Docker's
// containers outside Kubernetes by docker's own description of them.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "collector/cgroup/tree.h"
#include "collector/host.h"
#include "config/config.h"
#include "metadata/store.h"

namespace hinomi {

/// What the rows of a cgroup are called by; empty where there is none.
struct ContainerName {
  std::string namespace_name;
  std::string pod;
  std::string container;  // empty for a pod, and for its sandbox
  std::string image;
  std::string name;           // the container's for its runtime: docker's name, elsewhere its id
  std::string docker_labels;  // encoded
  double started = 0;         // Unix time, where the metadata tells
  bool sandbox = false;
  bool known = true;  // false: a container that nobody knows, or not yet
  bool final = true;  // nothing more can be learnt of it
};

class ContainerNames {
 public:
  struct Parts {
    const Host& host;
    const Config& config;
    const MetadataStore* metadata;  // null: nobody is asked
  };

  explicit ContainerNames(Parts parts) : parts_(parts) {}

  /// What is not known may be looked for again, once until the next call.
  void Begin() { listed_ = false; }
  /// Lets go of what it has listed.
  void Forget();
  /// `process`: one of the cgroup's; zero when there is none.
  ContainerName Of(const Cgroup& cgroup, uint32_t process);

 private:
  struct Link {
    std::string namespace_name, pod, container;
  };

  ContainerName OfPod(const std::string& uid);
  void NameContainer(const Cgroup& cgroup, uint32_t process, ContainerName* name);
  bool NameByMetadata(const std::string& uid, const std::string& id, ContainerName* name) const;
  bool IsSandbox(const Cgroup& cgroup, uint32_t process) const;
  void NameByDocker(const std::string& id, ContainerName* name) const;
  template <typename Map>
  const typename Map::mapped_type* Find(const Map& map, const std::string& key);
  void List();

  const Parts parts_;
  bool listed_ = false;
  // By the pod's UID, and by the container's id.
  std::unordered_map<std::string, std::pair<std::string, std::string>> pods_;
  std::unordered_map<std::string, Link> links_;
};

/// The parts of <pod>_<namespace>_<container>-<id>.log, as the kubelet names its links to logs;
/// the id last. All empty if it is not such a name.
struct ContainerLink {
  std::string pod, namespace_name, container, id;
};
ContainerLink ParseContainerLink(std::string_view name);

}  // namespace hinomi
