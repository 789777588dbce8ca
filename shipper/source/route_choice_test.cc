#include "shipper/source/route_choice.h"

#include <gmock/gmock.h>

#include "metadata/pod_metadata.h"

namespace hinomi {
namespace {

PodInfo Pod(std::map<std::string, std::string> labels) {
  auto metadata = std::make_shared<PodMetadata>();
  metadata->labels = std::move(labels);
  PodInfo pod;
  pod.namespace_name = "shop";
  pod.pod_name = "web-1";
  pod.container_name = "nginx";
  pod.metadata = metadata;
  return pod;
}

TEST(RouteChoiceTest, SaysWhyARouteIsNotTaken) {
  using Reason = RouteChoice::Reason;
  const struct {
    LogMatch match;
    Reason want;
    const char* label = "";
  } kCases[] = {
      {{}, Reason::kTaken},
      {{"sh*", "web-?", "nginx"}, Reason::kTaken},
      {{"billing", "", ""}, Reason::kNamespace},
      {{"billing", "other", "other"}, Reason::kNamespace},
      {{"", "pay-*", ""}, Reason::kPod},
      {{"", "", "sidecar"}, Reason::kContainer},
      {{"", "", "", {{"app", "web"}}}, Reason::kTaken},
      {{"", "", "", {{"app", "db*"}}}, Reason::kLabel, "app"},
      {{"", "", "", {{"app", "w*"}, {"side", "?ront"}}}, Reason::kTaken},
      {{"", "", "", {{"side", ""}}}, Reason::kTaken},
      {{"", "", "", {{"app", "web"}, {"side", "back"}}}, Reason::kLabel, "side"},
      {{"", "", "", {{"app", "web"}, {"tier", "*"}}}, Reason::kLabel, "tier"},
      {{"", "", "", {{"tier", ""}}}, Reason::kLabel, "tier"},
  };
  for (const auto& [match, want, label] : kCases) {
    RouteConfig route;
    route.match = match;
    const RouteChoice choice =
        ChooseRoutes({route}, Pod({{"app", "web"}, {"side", "front"}})).at(0);
    EXPECT_EQ(choice.reason, want) << match.namespace_pattern << match.pod_pattern;
    EXPECT_EQ(choice.label, label);
  }
}

TEST(RouteChoiceTest, NamesTheRouteThatEndedTheSearch) {
  std::vector<RouteConfig> routes(4);
  routes[0].match.pod_pattern = "other";
  routes[0].stop = true;  // which does not count where it does not match
  routes[2].stop = true;
  const std::vector<RouteChoice> choices = ChooseRoutes(routes, Pod({}));
  EXPECT_FALSE(choices[0].taken());
  EXPECT_TRUE(choices[1].taken());
  EXPECT_TRUE(choices[2].taken());
  EXPECT_EQ(choices[3].reason, RouteChoice::Reason::kStopped);
  EXPECT_EQ(choices[3].stopped_by, 2u);
}

TEST(RouteChoiceTest, StopWithALevelStopsTheRecordsOfThatLevel) {
  std::vector<RouteConfig> routes(6);
  routes[0].level = RecordLevel::kWarn;  // and all later ones take them too
  routes[1].level = RecordLevel::kError;
  routes[1].stop = true;
  routes[2].level = RecordLevel::kFatal;
  routes[3].level = RecordLevel::kInfo;
  routes[3].stop = true;
  routes[4].stop = true;
  const std::vector<RouteChoice> choices = ChooseRoutes(routes, Pod({}));
  EXPECT_EQ(choices[0].levels, (Levels{13, Levels::kEnd}));
  EXPECT_EQ(choices[1].levels, (Levels{17, Levels::kEnd}));
  EXPECT_EQ(choices[2].reason, RouteChoice::Reason::kStopped);
  EXPECT_EQ(choices[2].stopped_by, 1u);
  EXPECT_EQ(choices[3].levels, (Levels{9, 17}));
  EXPECT_EQ(choices[4].levels, (Levels{0, 9}));
  EXPECT_EQ(choices[5].reason, RouteChoice::Reason::kStopped);
  EXPECT_EQ(choices[5].stopped_by, 4u);
}

TEST(RouteChoiceTest, TellsEventsFromLines) {
  std::vector<RouteConfig> routes(3);
  routes[0].events = TakeEvents::kOnly;
  routes[0].stop = true;
  routes[1].events = TakeEvents::kExclude;
  routes[2].events = TakeEvents::kInclude;
  const std::vector<RouteChoice> lines = ChooseRoutes(routes, Pod({}));
  EXPECT_EQ(lines[0].reason, RouteChoice::Reason::kEvents);
  EXPECT_TRUE(lines[1].taken());
  EXPECT_TRUE(lines[2].taken());
  const std::vector<RouteChoice> events = ChooseRoutes(routes, Pod({}), /*events=*/true);
  EXPECT_TRUE(events[0].taken());
  EXPECT_EQ(events[1].reason, RouteChoice::Reason::kStopped);
  routes[0].stop = false;
  EXPECT_EQ(ChooseRoutes(routes, Pod({}), true)[1].reason, RouteChoice::Reason::kEvents);
  EXPECT_TRUE(ChooseRoutes(routes, Pod({}), true)[2].taken());
}

TEST(RouteChoiceTest, KnowsNoLabelsWithoutMetadata) {
  RouteConfig route;
  route.match.label_patterns = {{"app", "*"}};
  EXPECT_EQ(ChooseRoutes({route}, {}).at(0).label, "app");
}

}  // namespace
}  // namespace hinomi
