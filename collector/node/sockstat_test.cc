#include "collector/node/sockstat.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Sockstat, Parses) {
  const Result<NamedValues> values =
      ParseSockstat("sockets: used 19\nTCP: inuse 5 mem 2\nFRAG: memory 0\n");
  ASSERT_TRUE(values);
  EXPECT_EQ(*values, (NamedValues{{"sockets_used", 19},
                                  {"TCP_inuse", 5},
                                  {"TCP_mem", 2},
                                  {"TCP_mem_bytes", 2 * static_cast<double>(sysconf(_SC_PAGESIZE))},
                                  {"FRAG_memory", 0}}));
}

TEST(Sockstat, RefusesWhatIsNone) {
  for (const char* text : {"\n", "TCP inuse 5\n", "TCP: inuse\n", "TCP: inuse -5\n"}) {
    EXPECT_FALSE(ParseSockstat(text)) << text;
  }
}

TEST(Sockstat, ServesBothFiles) {
  const TestHost host;
  host.Write("/proc/1/net/sockstat", "TCP: inuse 5\n");
  EXPECT_EQ(host.Rows(MakeSockstat), "node_sockstat_TCP_inuse 5\n") << "a node without IPv6";
  host.Write("/proc/1/net/sockstat6", "TCP6: inuse 6\n");
  EXPECT_EQ(host.Rows(MakeSockstat), "node_sockstat_TCP_inuse 5\nnode_sockstat_TCP6_inuse 6\n");
}

}  // namespace
}  // namespace hinomi
