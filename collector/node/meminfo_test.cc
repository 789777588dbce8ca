#include "collector/node/meminfo.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Meminfo, NamesFieldsAsNodeExporterDoes) {
  const Result<NamedValues> values = ParseMeminfo(
      "MemTotal:       24684096 kB\n"
      "Active(anon):       400 kB\n"
      "HugePages_Total:       3\n"
      "DirectMap4k:          0 kB\n");
  ASSERT_TRUE(values);
  EXPECT_EQ(*values, (NamedValues{{"MemTotal_bytes", 24684096.0 * 1024},
                                  {"Active_anon_bytes", 400 * 1024},
                                  {"HugePages_Total", 3},
                                  {"DirectMap4k_bytes", 0}}));
}

TEST(Meminfo, RefusesWhatIsNone) {
  for (const char* text : {"\n", "MemTotal 1 kB\n", "MemTotal: x kB\n", "MemTotal: 1 MB\n"}) {
    EXPECT_FALSE(ParseMeminfo(text)) << text;
  }
}

TEST(Meminfo, Serves) {
  const TestHost host;
  host.Write("/proc/meminfo", "MemFree: 2 kB\nA-b: 1\n");
  EXPECT_EQ(host.Rows(MakeMeminfo), "node_memory_MemFree_bytes 2048\nnode_memory_A_b 1\n");
}

}  // namespace
}  // namespace hinomi
