#include "collector/node/schedstat.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Schedstat, Parses) {
  const Result<Table> table = ParseSchedstat(
      "version 15\ntimestamp 15819019232\n"
      "cpu0 0 0 0 0 0 0 2000000000 500000000 7\n"
      "domain0 00000000,00000003 212499\n");
  ASSERT_TRUE(table);
  EXPECT_EQ(*table, (Table{{"0", {2, 0.5, 7}}}));
}

TEST(Schedstat, RefusesWhatIsNone) {
  for (const char* text :
       {"cpu0 1 2 3 4 5 6 7 8\n", "cpu0 1 2 3 4 5 6 7 8 x\n", "cpu 1 2 3 4 5 6 7 8 9\n"}) {
    EXPECT_FALSE(ParseSchedstat(text)) << text;
  }
}

TEST(Schedstat, Serves) {
  const TestHost host;
  EXPECT_EQ(host.Rows(MakeSchedstat), "") << "not every kernel has it";
  host.Write("/proc/schedstat", "cpu1 0 0 0 0 0 0 2000000000 500000000 7\n");
  EXPECT_EQ(host.Rows(MakeSchedstat),
            "node_schedstat_running_seconds_total{cpu=\"1\"} 2\n"
            "node_schedstat_waiting_seconds_total{cpu=\"1\"} 0.5\n"
            "node_schedstat_timeslices_total{cpu=\"1\"} 7\n");
}

}  // namespace
}  // namespace hinomi
