#include "collector/node/netclass.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Netclass, ParsesAttributes) {
  EXPECT_EQ(ParseNetclassAttribute("1500"), 1500);
  EXPECT_EQ(ParseNetclassAttribute("-1"), -1);
  EXPECT_EQ(ParseNetclassAttribute("0x1003"), 0x1003);
  for (const char* word : {"", "0x", "0xg", "up", "1 2"}) {
    EXPECT_FALSE(ParseNetclassAttribute(word)) << word;
  }
}

TEST(Netclass, ServesWhatTheDriverKnows) {
  TestHost host;
  EXPECT_EQ(host.Rows(MakeNetclass), "");
  const std::string eth0 = "/sys/class/net/eth0/";
  host.Write(eth0 + "address", "02:fc:00:00:00:01\n");
  host.Write(eth0 + "operstate", "up\n");
  host.Write(eth0 + "flags", "0x1003\n");
  host.Write(eth0 + "speed", "1000\n");
  host.Write(eth0 + "statistics/rx_nohandler", "7\n");
  host.Write("/sys/class/net/veth1/operstate", "down\n");
  host.Write("/sys/class/net/bonding_masters", "\n");
  host.config.interfaces_exclude = "^lo$";
  EXPECT_EQ(host.Rows(MakeNetclass),
            "node_network_flags{device=\"eth0\"} 4099\n"
            "node_network_speed_bytes{device=\"eth0\"} 125000000\n"
            "node_network_receive_nohandler_total{device=\"eth0\"} 7\n"
            "node_network_up{device=\"eth0\"} 1\n"
            "node_network_up{device=\"veth1\"} 0\n"
            "node_network_info{address=\"02:fc:00:00:00:01\",broadcast=\"\",device=\"eth0\","
            "duplex=\"\",ifalias=\"\",operstate=\"up\"} 1\n"
            "node_network_info{address=\"\",broadcast=\"\",device=\"veth1\","
            "duplex=\"\",ifalias=\"\",operstate=\"down\"} 1\n");
  host.config.interfaces_exclude = "^(veth.*|eth0)$";
  EXPECT_EQ(host.Rows(MakeNetclass), "");
}

}  // namespace
}  // namespace hinomi
