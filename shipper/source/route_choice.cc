#include "shipper/source/route_choice.h"

#include "config/glob.h"
#include "metadata/pod_metadata.h"

namespace hinomi {
namespace {

RouteChoice Choose(const RouteConfig& route, const PodInfo& pod, bool events) {
  using Reason = RouteChoice::Reason;
  const LogMatch& match = route.match;
  if (route.events == (events ? TakeEvents::kExclude : TakeEvents::kOnly)) return {Reason::kEvents};
  if (!GlobMatches(match.namespace_pattern, pod.namespace_name)) return {Reason::kNamespace};
  if (!GlobMatches(match.pod_pattern, pod.pod_name)) return {Reason::kPod};
  if (!GlobMatches(match.container_pattern, pod.container_name)) return {Reason::kContainer};
  static const PodMetadata kUnknown;
  const PodMetadata& metadata = pod.metadata == nullptr ? kUnknown : *pod.metadata;
  for (const auto& [label, pattern] : match.label_patterns) {
    const auto found = metadata.labels.find(label);
    if (found == metadata.labels.end() || !GlobMatches(pattern, found->second)) {
      return {Reason::kLabel, label};
    }
  }
  return {};
}

uint8_t NumberOf(RecordLevel level) {
  return level == RecordLevel::kAny ? 0
                                    : static_cast<uint8_t>(4 * (static_cast<int>(level) - 1) + 1);
}

}  // namespace

std::vector<RouteChoice> ChooseRoutes(const std::vector<RouteConfig>& routes, const PodInfo& pod,
                                      bool events) {
  std::vector<RouteChoice> choices;
  size_t stopped_by = 0;
  uint8_t below = Levels::kEnd;  // what no route with `stop` has taken
  for (size_t i = 0; i < routes.size(); ++i) {
    const uint8_t least = NumberOf(routes[i].level);
    choices.push_back(least < below ? Choose(routes[i], pod, events)
                                    : RouteChoice{RouteChoice::Reason::kStopped, "", stopped_by});
    if (!choices.back().taken()) continue;
    choices.back().levels = {least, below};
    if (!routes[i].stop) continue;
    below = least;
    stopped_by = i;
  }
  return choices;
}

}  // namespace hinomi
