#include "collector/cgroup/cgroup_name.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

const std::string kId(64, 'a');

TEST(CgroupName, SaysWhoseItIs) {
  const std::string uid = "81f899a9-5b67-4f70-b5e5-ecfa3c7cba2a";
  const std::string underscored = "81f899a9_5b67_4f70_b5e5_ecfa3c7cba2a";
  struct Case {
    std::string name;
    bool in_slice;
    CgroupKind kind;
    std::string id;
  };
  const Case cases[] = {
      {"kubepods", false, CgroupKind::kSlice, ""},
      {"burstable", true, CgroupKind::kSlice, ""},
      {"besteffort", true, CgroupKind::kSlice, ""},
      {"pod" + uid, true, CgroupKind::kPod, uid},
      {"pod" + std::string(32, '7'), true, CgroupKind::kPod, std::string(32, '7')},
      {kId, true, CgroupKind::kContainer, kId},
      {kId, false, CgroupKind::kContainer, kId},
      {"kubepods.slice", false, CgroupKind::kSlice, ""},
      {"kubepods-burstable.slice", true, CgroupKind::kSlice, ""},
      {"kubepods-burstable-pod" + underscored + ".slice", true, CgroupKind::kPod, uid},
      {"kubepods-pod" + underscored + ".slice", true, CgroupKind::kPod, uid},
      {"kubelet-kubepods-pod" + underscored + ".slice", true, CgroupKind::kPod, uid},
      {"cri-containerd-" + kId + ".scope", true, CgroupKind::kContainer, kId},
      {"crio-" + kId + ".scope", true, CgroupKind::kContainer, kId},
      {"docker-" + kId + ".scope", false, CgroupKind::kContainer, kId},
      {"libpod-" + kId + ".scope", false, CgroupKind::kContainer, kId},
      {"burstable", false, CgroupKind::kOther, ""},
      {"pod" + uid, false, CgroupKind::kOther, ""},
      {"podman", true, CgroupKind::kPod, "man"},  // a UID may be any letters and digits
      {"system.slice", false, CgroupKind::kOther, ""},
      {"kubelet.slice", false, CgroupKind::kOther, ""},
      {"docker.service", false, CgroupKind::kOther, ""},
      {"crio-conmon-" + kId + ".scope", true, CgroupKind::kOther, ""},
      {kId.substr(1), true, CgroupKind::kOther, ""},
      {std::string(64, 'A'), true, CgroupKind::kOther, ""},
      {"kubepods-pod../../x.slice", true, CgroupKind::kOther, ""},
      {"", false, CgroupKind::kOther, ""},
  };
  for (const Case& test : cases) {
    const CgroupName name = ParseCgroupName(test.name, test.in_slice);
    EXPECT_EQ(name.kind, test.kind) << test.name;
    EXPECT_EQ(name.id, test.id) << test.name;
  }
}

}  // namespace
}  // namespace hinomi
