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

std::vector<uint32_t> Taking(const RouteTable& table, const PodInfo& pod, bool events) {
  std::vector<uint32_t> routes;
  for (const TakenRoute& taken : table.Taking(pod, events)) routes.push_back(taken.route);
  return routes;
}

PodInfo PodIn(const std::string& namespace_name) {
  PodInfo pod;
  pod.namespace_name = namespace_name;
  return pod;
}

TEST(RouteTable, ANameKeepsItsIndex) {
  RouteTable table({RouteTo("a"), RouteTo("b"), RouteTo("c")});
  EXPECT_THAT(Taking(table, PodIn("x"), false), ElementsAre(0, 1, 2));

  table.Configure({RouteTo("d"), RouteTo("c"), RouteTo("a")});
  EXPECT_THAT(Taking(table, PodIn("x"), false), ElementsAre(3, 2, 0)) << "in the new order";
  EXPECT_EQ(table.size(), 4u);
  EXPECT_TRUE(table.removed(1));
  EXPECT_EQ(table[1].name, "b");

  table.Configure({RouteTo("b", "y")});
  EXPECT_THAT(Taking(table, PodIn("x"), false), IsEmpty());
  EXPECT_THAT(Taking(table, PodIn("y"), false), ElementsAre(1));
  EXPECT_TRUE(table.removed(0));
}

TEST(RouteTable, StopHoldsInTheOrderOfTheConfiguration) {
  RouteTable table({RouteTo("all"), RouteTo("prod", "prod-*")});
  RouteConfig first = RouteTo("prod", "prod-*");
  first.stop = true;
  table.Configure({first, RouteTo("all")});
  EXPECT_THAT(Taking(table, PodIn("prod-a"), false), ElementsAre(1));
  EXPECT_THAT(Taking(table, PodIn("qa"), false), ElementsAre(0));
}

TEST(RouteTable, AStrangerIsKnownAsRemoved) {
  RouteTable table({RouteTo("a")});
  EXPECT_EQ(table.IndexOf("of-old"), 1u);
  EXPECT_TRUE(table.removed(1));
  EXPECT_EQ(table.IndexOf("of-old"), 1u);
}

}  // namespace
}  // namespace hinomi
