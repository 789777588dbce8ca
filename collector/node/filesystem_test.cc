#include "collector/node/filesystem.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Filesystem, ParsesMounts) {
  const Result<std::vector<Mount>> mounts = ParseMountinfo(
      "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
      "36 27 98:0 /a\\040b /mnt/with\\040space\\134 rw shared:1 master:2 - nfs4 host:/a\\040b "
      "ro,x\n"
      "37 27 0:5 / /read ro,nosuid - tmpfs  rw\n"
      "38 27 0:6 / /mnt/x rw - xfs /dev/first rw\n"
      "39 27 0:7 / /mnt/x rw - xfs /dev/last rw\n");
  ASSERT_TRUE(mounts) << mounts.error().message;
  EXPECT_EQ(*mounts, (std::vector<Mount>{
                         {27, "/dev/vda", "ext4", "/", false},
                         {36, "host:/a\\040b", "nfs4", "/mnt/with space\\", true},
                         {37, "", "tmpfs", "/read", true},
                         {39, "/dev/last", "xfs", "/mnt/x", false},
                     }));
}

TEST(Filesystem, RefusesWhatIsNone) {
  for (const char* text :
       {"\n", "27 1 254:0 / / rw,relatime ext4 /dev/vda rw\n", "27 1 254:0 / / rw - ext4\n",
        "x 1 254:0 / / rw - ext4 /dev/vda rw\n", "27 1 254:0 / relative rw - ext4 /dev/vda rw\n"}) {
    EXPECT_FALSE(ParseMountinfo(text)) << text;
  }
}

TEST(Filesystem, ServesWhatIsNotExcluded) {
  TestHost host;
  host.Write("/proc/1/mountinfo",
             "1 0 8:0 / / rw - ext4 /dev/sda rw\n"
             "2 1 8:1 / /gone ro - ext4 /dev/sdb ro\n"
             "3 1 0:1 / /dev/shm rw - tmpfs tmpfs rw\n"
             "4 1 0:2 / /cgroup rw - cgroup2 cgroup2 rw\n");
  const std::string gone = "{device=\"/dev/sdb\",fstype=\"ext4\",mountpoint=\"/gone\"} ";
  const std::string root = "{device=\"/dev/sda\",fstype=\"ext4\",mountpoint=\"/\"} ";
  const auto has = [](const std::string& rows, const std::string& row) {
    return rows.find(row) != std::string::npos;
  };
  const std::string rows = host.Rows(MakeFilesystem);
  EXPECT_TRUE(has(rows, "node_filesystem_size_bytes" + root)) << rows;
  EXPECT_TRUE(has(rows, "node_filesystem_device_error" + root + "0\n")) << rows;
  EXPECT_TRUE(has(rows, "node_filesystem_device_error" + gone + "1\n")) << rows;
  EXPECT_TRUE(has(rows, "node_filesystem_readonly" + root + "0\n")) << rows;
  EXPECT_FALSE(has(rows, "node_filesystem_readonly" + gone)) << rows;
  EXPECT_FALSE(has(rows, "node_filesystem_size_bytes" + gone)) << rows;
  EXPECT_FALSE(has(rows, "/dev/shm") || has(rows, "/cgroup")) << rows;
  host.config.mount_points_exclude = host.config.filesystem_types_exclude = "";
  const std::string all = host.Rows(MakeFilesystem);
  EXPECT_TRUE(has(all, "/dev/shm") && has(all, "/cgroup")) << all;
}

}  // namespace
}  // namespace hinomi
