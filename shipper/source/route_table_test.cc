#include "shipper/source/route_table.h"

#include <gmock/gmock.h>

namespace hinomi {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RouteConfig RouteTo(const std::string& name, const std::string& namespace_pattern = "") {
  RouteConfig route;
  route.name = name;
  route.match.namespace_pattern = namespace_pattern;
  route.sink = "search";
  return route;
}

PodInfo PodIn(const std::string& namespace_name) {
  PodInfo pod;
  pod.namespace_name = namespace_name;
  return pod;
}

TEST(RouteTable, ANameKeepsItsIndex) {
  RouteTable table({RouteTo("a"), RouteTo("b"), RouteTo("c")});
  EXPECT_THAT(table.Taking(PodIn("x"), false), ElementsAre(0, 1, 2));

  table.Configure({RouteTo("d"), RouteTo("c"), RouteTo("a")});
  EXPECT_THAT(table.Taking(PodIn("x"), false), ElementsAre(3, 2, 0)) << "in the new order";
  EXPECT_EQ(table.size(), 4u);
  EXPECT_TRUE(table.removed(1));
  EXPECT_EQ(table[1].name, "b");

  table.Configure({RouteTo("b", "y")});
  EXPECT_THAT(table.Taking(PodIn("x"), false), IsEmpty());
  EXPECT_THAT(table.Taking(PodIn("y"), false), ElementsAre(1));
  EXPECT_TRUE(table.removed(0));
}

TEST(RouteTable, StopHoldsInTheOrderOfTheConfiguration) {
  RouteTable table({RouteTo("all"), RouteTo("prod", "prod-*")});
  RouteConfig first = RouteTo("prod", "prod-*");
  first.stop = true;
  table.Configure({first, RouteTo("all")});
  EXPECT_THAT(table.Taking(PodIn("prod-a"), false), ElementsAre(1));
  EXPECT_THAT(table.Taking(PodIn("qa"), false), ElementsAre(0));
}

TEST(RouteTable, AStrangerIsKnownAsRemoved) {
  RouteTable table({RouteTo("a")});
  EXPECT_EQ(table.IndexOf("of-old"), 1u);
  EXPECT_TRUE(table.removed(1));
  EXPECT_EQ(table.IndexOf("of-old"), 1u);
}

}  // namespace
}  // namespace hinomi
