#include "collector/node/conntrack.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

constexpr const char* kText =
    "entries  clashres found new insert_failed search_restart\n"
    "0000001f  00000000 00000001 00000000 00000002 00000000\n"
    "0000001f  00000000 00000010 00000000 00000000 00000003\n";

TEST(Conntrack, SumsAllButTheEntries) {
  const Result<NamedValues> values = ParseConntrack(kText);
  ASSERT_TRUE(values);
  EXPECT_EQ(*values, (NamedValues{{"entries", 31},
                                  {"clashres", 0},
                                  {"found", 17},
                                  {"new", 0},
                                  {"insert_failed", 2},
                                  {"search_restart", 3}}));
}

TEST(Conntrack, RefusesWhatIsNone) {
  for (const char* text : {"", "entries found\n", "entries found\n1\n", "entries\nxyz\n"}) {
    EXPECT_FALSE(ParseConntrack(text)) << text;
  }
}

TEST(Conntrack, ServesWhatNodeExporterServes) {
  const TestHost host;
  EXPECT_EQ(host.Rows(MakeConntrack), "") << "the module is not loaded";
  host.Write("/proc/1/net/stat/nf_conntrack", kText);
  host.Write("/proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
  EXPECT_EQ(host.Rows(MakeConntrack),
            "node_nf_conntrack_entries 31\n"
            "node_nf_conntrack_stat_found 17\n"
            "node_nf_conntrack_stat_insert_failed 2\n"
            "node_nf_conntrack_stat_search_restart 3\n"
            "node_nf_conntrack_entries_limit 262144\n");
}

}  // namespace
}  // namespace hinomi
