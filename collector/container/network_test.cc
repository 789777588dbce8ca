#include "collector/container/network.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

constexpr std::string_view kHead =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier compressed\n";

std::vector<InterfaceCounts> Parse(std::string_view text) {
  std::vector<InterfaceCounts> interfaces;
  ParseInterfaces(text, &interfaces);
  return interfaces;
}

TEST(Network, ParsesInterfaces) {
  const std::string text = std::string(kHead) +
                           "    lo:      10       1    0    0    0     0          0         0 "
                           "10 1 0 0 0 0 0 0\n"
                           "  eth0:2446 25 1 2 3 4 5 6 1006 12 7 8 9 10 11 12\n"
                           "eth0.5:18446744073709551615 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n";
  const std::vector<InterfaceCounts> interfaces = Parse(text);
  EXPECT_EQ(Parse("eth0:1: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n").at(0).name, "eth0:1");
  ASSERT_EQ(interfaces.size(), 3U);
  const InterfaceCounts& eth0 = interfaces[1];
  EXPECT_EQ(eth0.name, "eth0");
  EXPECT_EQ(eth0.received_bytes, 2446U);
  EXPECT_EQ(eth0.received_packets, 25U);
  EXPECT_EQ(eth0.receive_errors, 1U);
  EXPECT_EQ(eth0.receive_drops, 2U);
  EXPECT_EQ(eth0.sent_bytes, 1006U);
  EXPECT_EQ(eth0.sent_packets, 12U);
  EXPECT_EQ(eth0.send_errors, 7U);
  EXPECT_EQ(eth0.send_drops, 8U);
  EXPECT_EQ(interfaces[2].received_bytes, 18446744073709551615U);
}

TEST(Network, PassesOverWhatIsNone) {
  for (const std::string_view text :
       {std::string_view(), kHead, std::string_view("eth0: 1 2 3\n"), std::string_view(":\n"),
        std::string_view("  : 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n"),
        std::string_view("eth0: x 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n")}) {
    EXPECT_TRUE(Parse(text).empty()) << text;
  }
}

TEST(Network, KnowsAContainersInterfaces) {
  for (const char* name : {"eth0", "net1", "ens3", "bond0"}) {
    EXPECT_TRUE(IsContainersInterface(name)) << name;
  }
  for (const char* name : {"lo", "veth1a2b", "docker0"}) {
    EXPECT_FALSE(IsContainersInterface(name)) << name;
  }
}

}  // namespace
}  // namespace hinomi
