#include "collector/node/netstat.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Netstat, Parses) {
  const Result<NamedValues> values = ParseNetstat(
      "Tcp: MaxConn OutSegs\nTcp: -1 5\n"
      "Udp: InErrors\nUdp: 7\n");
  ASSERT_TRUE(values);
  EXPECT_EQ(*values, (NamedValues{{"Tcp_MaxConn", -1}, {"Tcp_OutSegs", 5}, {"Udp_InErrors", 7}}));
  const Result<NamedValues> six = ParseSnmp6("Ip6InOctets      \t12\nUdpLite6InErrors 0\n");
  ASSERT_TRUE(six);
  EXPECT_EQ(*six, (NamedValues{{"Ip6_InOctets", 12}, {"UdpLite6_InErrors", 0}}));
}

TEST(Netstat, RefusesWhatIsNone) {
  for (const char* text : {"\n", "Tcp: A B\n", "Tcp: A B\nTcp: 1\n", "Tcp: A\nTcp: 1 2\n",
                           "Tcp: A\nUdp: 1\n", "Tcp: A\nTcp: x\n", "Tcp A\nTcp 1\n"}) {
    EXPECT_FALSE(ParseNetstat(text)) << text;
  }
  for (const char* text : {"\n", "IpInOctets 1\n", "Ip6InOctets\n", "Ip6InOctets x\n"}) {
    EXPECT_FALSE(ParseSnmp6(text)) << text;
  }
}

TEST(Netstat, ServesWhatNodeExporterServes) {
  const TestHost host;
  host.Write("/proc/1/net/netstat", "TcpExt: SyncookiesSent TW\nTcpExt: 1 2\n");
  host.Write("/proc/1/net/snmp", "Tcp: RtoMin RetransSegs InErrs\nTcp: 200 3 4\n");
  host.Write("/proc/1/net/snmp6", "Icmp6InMsgs 5\nIcmp6InCsumErrors 6\n");
  EXPECT_EQ(host.Rows(MakeNetstat),
            "node_netstat_TcpExt_SyncookiesSent 1\n"
            "node_netstat_Tcp_RetransSegs 3\n"
            "node_netstat_Tcp_InErrs 4\n"
            "node_netstat_Icmp6_InMsgs 5\n");
}

}  // namespace
}  // namespace hinomi
