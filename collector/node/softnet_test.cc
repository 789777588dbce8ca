#include "collector/node/softnet.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Softnet, ParsesWhatKernelsHave) {
  const Result<Table> old =
      ParseSoftnet("0000001f 00000001 00000002\n00000000 00000000 00000000\n");
  ASSERT_TRUE(old);
  EXPECT_EQ(*old, (Table{{"0", {31, 1, 2}}, {"1", {0, 0, 0}}}));
  const Result<Table> now = ParseSoftnet("1 2 3 0 0 0 0 0 4 5 6 7 0000000a 0 0\n");
  ASSERT_TRUE(now);
  EXPECT_EQ(*now, (Table{{"10", {1, 2, 3, 4, 5, 6, 7}}})) << "the rows say which processor";
}

TEST(Softnet, RefusesWhatIsNone) {
  for (const char* text : {"\n", "1 2\n", "1 2 x\n"}) EXPECT_FALSE(ParseSoftnet(text)) << text;
}

TEST(Softnet, Serves) {
  const TestHost host;
  host.Write("/proc/1/net/softnet_stat", "a b c\n");
  EXPECT_EQ(host.Rows(MakeSoftnet),
            "node_softnet_processed_total{cpu=\"0\"} 10\n"
            "node_softnet_dropped_total{cpu=\"0\"} 11\n"
            "node_softnet_times_squeezed_total{cpu=\"0\"} 12\n");
}

}  // namespace
}  // namespace hinomi
