#include "shipper/source/route_choice.h"

#include <optional>

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

}  // namespace

std::vector<RouteChoice> ChooseRoutes(const std::vector<RouteConfig>& routes, const PodInfo& pod,
                                      bool events) {
  std::vector<RouteChoice> choices;
  std::optional<size_t> last;
  for (size_t i = 0; i < routes.size(); ++i) {
    choices.push_back(last ? RouteChoice{RouteChoice::Reason::kStopped, "", *last}
                           : Choose(routes[i], pod, events));
    if (choices.back().taken() && routes[i].stop) last = i;
  }
  return choices;
}

}  // namespace hinomi
