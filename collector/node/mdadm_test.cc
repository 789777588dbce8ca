#include "collector/node/mdadm.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Mdadm, CountsDisksByState) {
  const TestHost host;
  const auto disk = [&](const std::string& name, const std::string& state,
                        const std::string& slot) {
    host.Write("/sys/block/md0/md/dev-" + name + "/state", state);
    host.Write("/sys/block/md0/md/dev-" + name + "/slot", slot);
  };
  host.Write("/sys/block/md0/md/raid_disks", "4 (3)\n");
  host.Write("/sys/block/md0/md/array_state", "clean\n");
  host.Write("/sys/block/md0/md/sync_action", "recover\n");
  disk("sda", "in_sync\n", "0\n");
  disk("sdb", "in_sync,write_mostly\n", "1\n");
  disk("sdc", "faulty\n", "none\n");
  disk("sdd", "spare\n", "2\n");  // being rebuilt
  disk("sde", "spare\n", "none\n");
  host.Write("/sys/block/sda/size", "1\n");
  EXPECT_EQ(host.Rows(MakeMdadm),
            "node_md_disks{device=\"md0\",state=\"active\"} 2\n"
            "node_md_disks{device=\"md0\",state=\"failed\"} 1\n"
            "node_md_disks{device=\"md0\",state=\"spare\"} 1\n"
            "node_md_disks_required{device=\"md0\"} 4\n"
            "node_md_state{device=\"md0\",state=\"active\"} 0\n"
            "node_md_state{device=\"md0\",state=\"check\"} 0\n"
            "node_md_state{device=\"md0\",state=\"inactive\"} 0\n"
            "node_md_state{device=\"md0\",state=\"recovering\"} 1\n"
            "node_md_state{device=\"md0\",state=\"resync\"} 0\n");
}

TEST(Mdadm, GivesNothingWithoutArrays) { EXPECT_EQ(TestHost().Rows(MakeMdadm), ""); }

}  // namespace
}  // namespace hinomi
