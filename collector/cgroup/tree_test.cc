#include "collector/cgroup/tree.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

const std::string kUid = "81f899a9-5b67-4f70-b5e5-ecfa3c7cba2a";
const std::string kPod = "/kubepods/burstable/pod" + kUid;

std::string Id(char digit) { return std::string(64, digit); }

class CgroupTreeTest : public testing::Test {
 protected:
  CgroupTreeTest() { Write("/cgroup.controllers", ""); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = directory_ / ("sys/fs/cgroup" + path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  void Remove(const std::string& path) {
    std::filesystem::remove_all(directory_ / ("sys/fs/cgroup" + path));
  }
  void MakeTree() {
    CgroupTree::Wanted wanted;
    wanted.fields.fill(true);
    tree_ = std::make_unique<CgroupTree>(FindCgroupHierarchies(Host(directory_ / "")), wanted);
  }
  std::vector<std::string> Paths() {
    if (tree_ == nullptr) MakeTree();
    tree_->Refresh();
    std::vector<std::string> paths;
    for (const Cgroup* cgroup : tree_->cgroups()) paths.emplace_back(cgroup->path);
    return paths;
  }

  const TemporaryDirectory directory_;
  std::unique_ptr<CgroupTree> tree_;
};

TEST_F(CgroupTreeTest, FindsPodsAndContainersAndNothingElse) {
  Write(kPod + "/" + Id('a') + "/cgroup.procs", "");
  Write(kPod + "/" + Id('a') + "/" + Id('b') + "/cgroup.procs", "");  // the container's own
  Write("/system.slice/cron.service/cgroup.procs", "");
  Write("/system.slice/docker-" + Id('c') + ".scope/cgroup.procs", "");
  Write("/docker/" + Id('d') + "/cgroup.procs", "");
  EXPECT_EQ(Paths(), (std::vector<std::string>{"/", "/docker/" + Id('d'), "/kubepods",
                                               "/kubepods/burstable", kPod, kPod + "/" + Id('a'),
                                               "/system.slice/docker-" + Id('c') + ".scope"}));
  EXPECT_EQ(tree_->cgroups()[5]->pod, tree_->cgroups()[4]);
  EXPECT_EQ(tree_->cgroups()[5]->id(), Id('a'));
  EXPECT_EQ(tree_->cgroups()[1]->pod, nullptr);
}

TEST_F(CgroupTreeTest, SeesWhatComesAndGoes) {
  Write(kPod + "/" + Id('a') + "/cgroup.procs", "");
  const std::vector<std::string> one = Paths();
  Write(kPod + "/" + Id('b') + "/cgroup.procs", "");
  EXPECT_EQ(Paths().size(), one.size() + 1);
  Remove(kPod + "/" + Id('a'));
  EXPECT_EQ(Paths().back(), kPod + "/" + Id('b'));
  Remove("/kubepods");
  EXPECT_EQ(Paths(), std::vector<std::string>{"/"});
}

TEST_F(CgroupTreeTest, SeesOneThatTookThePlaceOfAnother) {
  Write(kPod + "/" + Id('a') + "/cgroup.procs", "");
  Paths();
  Remove(kPod + "/" + Id('a'));
  Write(kPod + "/" + Id('b') + "/cgroup.procs", "");
  Paths();  // the directory has as many links as before
  for (Cgroup* cgroup : tree_->cgroups()) tree_->Read(*cgroup, false);
  EXPECT_EQ(Paths().back(), kPod + "/" + Id('b'));
}

TEST_F(CgroupTreeTest, ReadsSettingsWhenToldTo) {
  Write("/memory.current", "5\n");
  Write("/memory.max", "7\n");
  Paths();
  Cgroup& root = *tree_->cgroups()[0];
  tree_->Read(root, false);
  EXPECT_EQ(root.stats[Field::kMemoryLimit], 7) << "the first time, in any case";
  Write("/memory.current", "6\n");
  Write("/memory.max", "8\n");
  tree_->Read(root, false);
  EXPECT_EQ(root.stats[Field::kMemoryUsage], 6);
  EXPECT_EQ(root.stats[Field::kMemoryLimit], 7);
  tree_->Read(root, true);
  EXPECT_EQ(root.stats[Field::kMemoryLimit], 8);
}

TEST_F(CgroupTreeTest, HoldsNoDescriptorOfASetting) {
  const std::string cgroup = kPod + "/" + Id('a');
  Write(cgroup + "/memory.current", "4096\n");
  Write(cgroup + "/memory.max", "8192\n");
  Write(cgroup + "/cpu.weight", "100\n");
  ASSERT_EQ(Paths().size(), 5u);
  const auto descriptors = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  const auto before = descriptors();
  Cgroup& container = *tree_->cgroups()[4];
  for (const bool settings : {true, false, true}) tree_->Read(container, settings);
  EXPECT_EQ(container.stats[Field::kMemoryLimit], 8192);
  EXPECT_EQ(descriptors(), before + 1);
}

TEST_F(CgroupTreeTest, WhatIsForgoneIsMissing) {
  Write("/memory.events", "max 1\noom_kill 2\n");
  Write("/cpu.pressure", "some total=5\n");
  Paths();
  Cgroup& root = *tree_->cgroups()[0];
  tree_->Read(root, false);
  EXPECT_EQ(root.stats[Field::kOomKills], 2);
  constexpr Field kForgone[] = {Field::kOomKills, Field::kCpuWaiting, Field::kCpuStalled};
  tree_->Forgo(root, kForgone);
  tree_->Read(root, false);
  for (const Field field : kForgone) EXPECT_FALSE(root.stats.Has(field));
  EXPECT_EQ(root.stats[Field::kMemoryFailures], 1) << "of the same file as the kills";
}

TEST_F(CgroupTreeTest, WhatCouldNotBeReadBeginsAnew) {
  Write(kPod + "/" + Id('a') + "/cgroup.type",
        "");  // nothing to read in it, as without descriptors
  const std::vector<std::string> before = Paths();
  for (Cgroup* cgroup : tree_->cgroups()) {
    tree_->Read(*cgroup, false);
    EXPECT_TRUE(cgroup->gone);
  }
  for (const std::string& path : {std::string(), kPod + "/" + Id('a')}) {
    Write(path + "/memory.current", "5\n");
  }
  EXPECT_EQ(Paths(), before);
  for (Cgroup* cgroup : {tree_->cgroups().front(), tree_->cgroups().back()}) {
    tree_->Read(*cgroup, false);
    EXPECT_FALSE(cgroup->gone) << cgroup->path;
    EXPECT_EQ(cgroup->stats[Field::kMemoryUsage], 5) << cgroup->path;
  }
}

TEST_F(CgroupTreeTest, FindsProcessesBelowACgroupWithoutAny) {
  Write("/docker/" + Id('d') + "/cgroup.procs", "");
  Write("/docker/" + Id('d') + "/init.scope/cgroup.procs", "0\n17\n18\nx\n19\n");
  Paths();
  EXPECT_EQ(tree_->Processes(*tree_->cgroups()[1], 2), (std::vector<uint32_t>{17, 18}));
}

TEST_F(CgroupTreeTest, AHostWithoutCgroupsHasNone) {
  const TemporaryDirectory empty;
  const CgroupHierarchies hierarchies = FindCgroupHierarchies(Host(empty / ""));
  CgroupTree tree(hierarchies, {});
  tree.Refresh();
  EXPECT_TRUE(tree.cgroups().empty());
}

}  // namespace
}  // namespace hinomi
