#include "collector/node/netdev.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

constexpr const char* kTitles =
    "Inter-|   Receive                            |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n";

TEST(Netdev, Parses) {
  const Result<Table> table = ParseNetdev(std::string(kTitles) +
                                          "    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
                                          "eth0:1:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
  ASSERT_TRUE(table);
  const std::vector<std::optional<double>> values = {1, 2,  3,  4,  5,  6,  7,  8,
                                                     9, 10, 11, 12, 13, 14, 15, 16};
  EXPECT_EQ(*table, (Table{{"lo", values}, {"eth0:1", values}}));
}

TEST(Netdev, RefusesWhatIsNone) {
  EXPECT_TRUE(ParseNetdev(kTitles));
  EXPECT_FALSE(ParseNetdev(""));
  for (const char* line : {"lo\n", "lo: 1 2 3\n", "lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 x\n",
                           "lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n"}) {
    EXPECT_FALSE(ParseNetdev(std::string(kTitles) + line)) << line;
  }
}

TEST(Netdev, LeavesOutWhatIsExcluded) {
  TestHost host;
  host.Write("/proc/1/net/dev", std::string(kTitles) +
                                    "lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
                                    "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
  host.config.interfaces_exclude = "^lo$";
  const std::string rows = host.Rows(MakeNetdev);
  EXPECT_NE(rows.find("node_network_transmit_drop_total{device=\"eth0\"} 12\n"), std::string::npos);
  EXPECT_EQ(rows.find("\"lo\""), std::string::npos);
}

}  // namespace
}  // namespace hinomi
