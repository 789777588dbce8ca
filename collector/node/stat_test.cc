#include "collector/node/stat.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Stat, Serves) {
  const TestHost host;
  host.Write("/proc/stat",
             "cpu  1 2 3 4\nintr 102 0 5\nctxt 7\nbtime 1795293361\nprocesses 9\n"
             "procs_running 2\nprocs_blocked 0\nsoftirq 1 2\n");
  EXPECT_EQ(host.Rows(MakeStat),
            "node_boot_time_seconds 1795293361\n"
            "node_context_switches_total 7\n"
            "node_forks_total 9\n"
            "node_intr_total 102\n"
            "node_procs_blocked 0\n"
            "node_procs_running 2\n");
}

TEST(Stat, RefusesWhatIsNone) {
  EXPECT_TRUE(ParseStat(""));
  for (const char* text : {"ctxt\n", "ctxt x\n", "btime -1\n"}) {
    EXPECT_FALSE(ParseStat(text)) << text;
  }
}

}  // namespace
}  // namespace hinomi
