#include "collector/container/container_names.h"

#include "collector/exposition.h"
#include "metadata/docker_config.h"
#include "metadata/docker_path.h"
#include "metadata/pod_metadata.h"
#include "metadata/pod_path.h"

namespace hinomi {
namespace {

constexpr std::string_view kLinksDirectory = "/var/log/containers";
// What a pod's sandbox runs, whatever its image is called: that no runtime tells.
constexpr std::string_view kSandboxProcess = "pause";

double UnixSeconds(Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

ContainerLink ParseContainerLink(std::string_view name) {
  constexpr std::string_view kEnd = ".log";
  if (!name.ends_with(kEnd)) return {};
  name.remove_suffix(kEnd.size());
  const size_t dash = name.rfind('-');
  const size_t first = name.find('_');
  const size_t second = first == std::string_view::npos ? first : name.find('_', first + 1);
  if (second == std::string_view::npos || dash == std::string_view::npos || dash < second) {
    return {};
  }
  ContainerLink link{
      std::string(name.substr(0, first)), std::string(name.substr(first + 1, second - first - 1)),
      std::string(name.substr(second + 1, dash - second - 1)), std::string(name.substr(dash + 1))};
  if (!IsDockerId(link.id) || !IsContainerName(link.container)) return {};
  return link;
}

void ContainerNames::Forget() {
  pods_.clear();
  links_.clear();
}

void ContainerNames::List() {
  listed_ = true;
  Forget();
  const Result<std::vector<std::string>> pods = parts_.host.List(parts_.config.kubernetes.pods_dir);
  for (const std::string& name : pods ? *pods : std::vector<std::string>()) {
    const std::optional<PodInfo> pod = ParsePodDirectory(name);
    if (pod) pods_[pod->pod_uid] = {pod->namespace_name, pod->pod_name};
  }
  const Result<std::vector<std::string>> links = parts_.host.List(std::string(kLinksDirectory));
  for (const std::string& name : links ? *links : std::vector<std::string>()) {
    ContainerLink link = ParseContainerLink(name);
    if (!link.id.empty()) links_[link.id] = {link.namespace_name, link.pod, link.container};
  }
}

template <typename Map>
const typename Map::mapped_type* ContainerNames::Find(const Map& map, const std::string& key) {
  auto found = map.find(key);
  if (found == map.end() && !listed_) {
    List();
    found = map.find(key);
  }
  return found == map.end() ? nullptr : &found->second;
}

ContainerName ContainerNames::OfPod(const std::string& uid) {
  ContainerName name;
  const std::shared_ptr<const PodMetadata> pod =
      parts_.metadata == nullptr ? nullptr : parts_.metadata->Find(uid);
  if (pod != nullptr) {
    name.namespace_name = pod->namespace_name;
    name.pod = pod->name;
  } else if (const auto* names = Find(pods_, uid)) {
    std::tie(name.namespace_name, name.pod) = *names;
  }
  name.known = name.final = !name.pod.empty();
  return name;
}

bool ContainerNames::NameByMetadata(const std::string& uid, const std::string& id,
                                    ContainerName* name) const {
  const std::shared_ptr<const PodMetadata> pod =
      parts_.metadata == nullptr ? nullptr : parts_.metadata->Find(uid);
  if (pod == nullptr) return false;
  for (const ContainerMetadata& container : pod->containers) {
    if (container.id != id) continue;
    name->container = container.name;
    name->image = container.image;
    name->started = UnixSeconds(container.started);
    return true;
  }
  return false;
}

void ContainerNames::NameByDocker(const std::string& id, ContainerName* name) const {
  std::vector<std::string> roots = parts_.config.docker.roots;
  if (roots.empty()) roots = {"/var/lib/docker"};
  for (const std::string& root : roots) {
    const Result<std::string> json =
        parts_.host.Read(root + "/containers/" + id + "/config.v2.json");
    if (!json) continue;
    const Result<DockerContainer> container = ParseDockerConfig(*json);
    if (!container) continue;
    name->name = container->name;
    name->image = container->image;
    for (const std::string_view label : {kComposeProjectLabel, kComposeServiceLabel}) {
      const std::string_view value = LabelOf(*container, label);
      if (value.empty()) continue;
      std::string key = "container_label_" + std::string(label);
      std::replace(key.begin(), key.end(), '.', '_');
      AppendLabel(&name->docker_labels, key, value);
    }
    name->known = name->final = true;
    return;
  }
}

void ContainerNames::NameContainer(const Cgroup& cgroup, uint32_t process, ContainerName* name) {
  name->known = true;
  if (NameByMetadata(cgroup.pod->id(), cgroup.id(), name)) {
    // A runtime tells the image of a container a moment after its name.
    name->final = !name->image.empty();
    return;
  }
  if (const Link* link = Find(links_, cgroup.id())) {
    name->namespace_name = link->namespace_name;
    name->pod = link->pod;
    name->container = link->container;
    name->final = parts_.metadata == nullptr;
    return;
  }
  name->sandbox = name->known = IsSandbox(cgroup, process);
  if (name->sandbox) name->image = kSandboxProcess;
  name->final = name->known && name->final;
}

bool ContainerNames::IsSandbox(const Cgroup& cgroup, uint32_t process) const {
  const std::shared_ptr<const PodMetadata> pod =
      parts_.metadata == nullptr ? nullptr : parts_.metadata->Find(cgroup.pod->id());
  if (pod != nullptr && pod->sandbox_id == cgroup.id()) return true;
  return process != 0 &&
         parts_.host.ReadWord("/proc/" + std::to_string(process) + "/comm") == kSandboxProcess;
}

ContainerName ContainerNames::Of(const Cgroup& cgroup, uint32_t process) {
  switch (cgroup.kind) {
    case CgroupKind::kPod:
      return OfPod(cgroup.id());
    case CgroupKind::kContainer:
      break;
    default:
      return {};
  }
  ContainerName name;
  if (cgroup.pod != nullptr) name = OfPod(cgroup.pod->id());
  name.name = cgroup.id();
  if (cgroup.pod != nullptr) {
    NameContainer(cgroup, process, &name);
    return name;
  }
  name.known = name.final = false;
  NameByDocker(cgroup.id(), &name);
  return name;
}

}  // namespace hinomi
