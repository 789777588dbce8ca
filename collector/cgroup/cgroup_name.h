// What the name of a cgroup's directory says: whose it is. Names only; nothing here touches a disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hinomi {

enum class CgroupKind : uint8_t {
  kOther,      // nobody that gets rows
  kRoot,       // of the node
  kSlice,      // kubepods and its classes of service
  kPod,        // `id` is the pod's UID
  kContainer,  // `id` is the runtime's id of a container or of a pod's sandbox
};

struct CgroupName {
  CgroupKind kind = CgroupKind::kOther;
  std::string id;
};

/// Of a directory, without its parents. The systemd driver writes
/// kubepods-burstable-pod<uid, - as _>.slice and cri-containerd-<id>.scope (also crio-, docker-,
/// libpod-), the cgroupfs driver kubepods, burstable, pod<uid> and <id>; an id has 64 hexadecimal
/// digits. `in_slice`: its parent is a slice.
CgroupName ParseCgroupName(std::string_view name, bool in_slice);

}  // namespace hinomi
