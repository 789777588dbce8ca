#include "collector/node/diskstats.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

constexpr const char* kText =
    "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n"
    "   8       1 sda1 1 2 3 4 5 6 7 8 9 10 11\n"
    " 259       0 nvme0n1 1 2 2 4000 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19\n";

TEST(Diskstats, Parses) {
  const Result<Table> table = ParseDiskstats(kText);
  ASSERT_TRUE(table);
  ASSERT_EQ(table->size(), 3u);
  EXPECT_EQ((*table)[0], (TableRow{"sda",
                                   {1, 2, 1536, 0.004, 5, 6, 3584, 0.008, 9, 0.01, 0.011, 12, 13,
                                    14, 0.015, 16, 0.017}}));
  EXPECT_EQ((*table)[1].values.size(), 11u);
  EXPECT_EQ((*table)[2].values.size(), 17u) << "columns of kernels to come";
}

TEST(Diskstats, RefusesWhatIsNone) {
  for (const char* text : {"\n", "8 0 sda\n", "8 0 sda 1 2 3 4 5 6 7 8 9 10\n",
                           "8 0 sda 1 2 3 4 5 6 7 8 9 10 -11\n"}) {
    EXPECT_FALSE(ParseDiskstats(text)) << text;
  }
  EXPECT_TRUE(ParseDiskstats("")) << "a node without disks";
}

TEST(Diskstats, LeavesOutWhatIsExcluded) {
  TestHost host;
  host.Write("/proc/diskstats", kText);
  const std::string rows = host.Rows(MakeDiskstats);
  EXPECT_NE(rows.find("node_disk_read_bytes_total{device=\"sda\"} 1536\n"), std::string::npos);
  EXPECT_NE(rows.find("node_disk_read_time_seconds_total{device=\"nvme0n1\"} 4\n"),
            std::string::npos);
  EXPECT_EQ(rows.find("sda1"), std::string::npos);
  host.config.disks_exclude = "";
  EXPECT_NE(host.Rows(MakeDiskstats).find("sda1"), std::string::npos);
}

}  // namespace
}  // namespace hinomi
