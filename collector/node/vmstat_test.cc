#include "collector/node/vmstat.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Vmstat, ServesWhatNodeExporterServes) {
  const TestHost host;
  host.Write("/proc/vmstat",
             "nr_free_pages 1\npgpgin 2\npgpgout 3\npswpin 4\npswpout 5\npgalloc_dma 6\npgfault 7\n"
             "pgmajfault 8\nthp_fault_alloc 9\noom_kill 10\n");
  EXPECT_EQ(host.Rows(MakeVmstat),
            "node_vmstat_pgpgin 2\nnode_vmstat_pgpgout 3\nnode_vmstat_pswpin 4\n"
            "node_vmstat_pswpout 5\nnode_vmstat_pgfault 7\nnode_vmstat_pgmajfault 8\n"
            "node_vmstat_oom_kill 10\n");
}

TEST(Vmstat, RefusesWhatIsNone) {
  for (const char* text : {"oom_kill\n", "pgpgin x\n"}) EXPECT_FALSE(ParseVmstat(text)) << text;
}

}  // namespace
}  // namespace hinomi
