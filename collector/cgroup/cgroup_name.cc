#include "collector/cgroup/cgroup_name.h"

#include <algorithm>

#include "metadata/pod_path.h"

namespace hinomi {
namespace {

constexpr size_t kIdSize = 64;

bool TakeSuffix(std::string_view* name, std::string_view suffix) {
  if (!name->ends_with(suffix)) return false;
  name->remove_suffix(suffix.size());
  return true;
}

bool IsId(std::string_view text) {
  return text.size() == kIdSize && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string UidOf(std::string_view text) {
  std::string uid(text);
  std::replace(uid.begin(), uid.end(), '_', '-');
  return IsPodUid(uid) ? uid : "";
}

// `name` without .slice. A pod's is kubepods-pod<uid> or kubepods-<class>-pod<uid>, maybe behind
// what the whole is nested in.
CgroupName ParseSlice(std::string_view name) {
  const size_t kubepods = name.find("kubepods");
  if (kubepods == std::string_view::npos) return {};
  const size_t pod = name.rfind("-pod");
  if (pod == std::string_view::npos || pod < kubepods) return {CgroupKind::kSlice, ""};
  std::string uid = UidOf(name.substr(pod + 4));
  return uid.empty() ? CgroupName{} : CgroupName{CgroupKind::kPod, std::move(uid)};
}

}  // namespace

CgroupName ParseCgroupName(std::string_view name, bool in_slice) {
  if (TakeSuffix(&name, ".slice")) return ParseSlice(name);
  const bool scope = TakeSuffix(&name, ".scope");
  std::string_view id = name;
  if (scope) {
    for (const std::string_view prefix : {"cri-containerd-", "crio-", "docker-", "libpod-"}) {
      if (name.starts_with(prefix)) id = name.substr(prefix.size());
    }
  }
  if (IsId(id)) return {CgroupKind::kContainer, std::string(id)};
  if (scope) return {};
  if (name == "kubepods" || (in_slice && (name == "burstable" || name == "besteffort"))) {
    return {CgroupKind::kSlice, ""};
  }
  if (in_slice && name.starts_with("pod")) {
    std::string uid = UidOf(name.substr(3));
    if (!uid.empty()) return {CgroupKind::kPod, std::move(uid)};
  }
  return {};
}

}  // namespace hinomi
