#include "collector/node/bonding.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Bonding, CountsWhatWorks) {
  const TestHost host;
  host.Write("/sys/class/net/bonding_masters", "bond0 bond1\n");
  host.Write("/sys/class/net/bond0/bonding/slaves", "eth0 eth1 eth2\n");
  host.Write("/sys/class/net/bond0/lower_eth0/bonding_slave/mii_status", "up\n");
  host.Write("/sys/class/net/bond0/lower_eth1/bonding_slave/mii_status", "down\n");
  host.Write("/sys/class/net/bond0/slave_eth2/bonding_slave/mii_status", "up\n");
  EXPECT_EQ(host.Rows(MakeBonding),
            "node_bonding_active{master=\"bond0\"} 2\n"
            "node_bonding_active{master=\"bond1\"} 0\n"
            "node_bonding_slaves{master=\"bond0\"} 3\n"
            "node_bonding_slaves{master=\"bond1\"} 0\n");
}

TEST(Bonding, GivesNothingWithoutBonds) { EXPECT_EQ(TestHost().Rows(MakeBonding), ""); }

}  // namespace
}  // namespace hinomi
