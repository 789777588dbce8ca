#include "config/routes.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "config/fields.h"
#include "config/glob.h"

namespace hinomi {
namespace {

std::vector<std::string> SinkNames(const Config& config) {
  std::vector<std::string> names;
  for (const SinkConfig& sink : config.sinks) names.push_back(sink.name);
  return names;
}

std::string PathOf(size_t route, std::string_view key) {
  return fmt::format("routes[{}].{}", route, key);
}

/// False only if no pod can have labels that suit both.
bool LabelsMayOverlap(const LogMatch& one, const LogMatch& other) {
  return std::all_of(one.label_patterns.begin(), one.label_patterns.end(), [&](const auto& label) {
    const auto same = other.label_patterns.find(label.first);
    return same == other.label_patterns.end() || GlobsMayOverlap(label.second, same->second);
  });
}

bool MayOverlap(const LogMatch& one, const LogMatch& other) {
  return GlobsMayOverlap(one.namespace_pattern, other.namespace_pattern) &&
         GlobsMayOverlap(one.pod_pattern, other.pod_pattern) &&
         GlobsMayOverlap(one.container_pattern, other.container_pattern) &&
         LabelsMayOverlap(one, other);
}

bool MayOverlap(const RouteConfig& one, const RouteConfig& other) {
  const auto apart = [](const RouteConfig& a, const RouteConfig& b) {
    return a.events == TakeEvents::kOnly && b.events == TakeEvents::kExclude;
  };
  return !apart(one, other) && !apart(other, one) && MayOverlap(one.match, other.match);
}

}  // namespace

std::vector<Problem> CompleteRoutes(Config* config) {
  std::vector<Problem> problems;
  const std::vector<std::string> sinks = SinkNames(*config);
  if (config->routes.empty() && sinks.size() == 1) {
    config->routes.push_back({.name = sinks[0], .match = {}, .sink = sinks[0]});
  }
  if (config->routes.empty() && sinks.size() > 1) {
    problems.push_back(
        {"routes",
         fmt::format("missing; with several sinks ({}) say which logs go where", Joined(sinks))});
  }
  std::map<std::string, size_t> routes_of;
  for (const RouteConfig& route : config->routes) ++routes_of[route.sink];
  std::map<std::string, size_t> taken;
  for (size_t i = 0; i < config->routes.size(); ++i) {
    RouteConfig& route = config->routes[i];
    if (route.sink.empty()) continue;  // has been reported
    if (std::find(sinks.begin(), sinks.end(), route.sink) == sinks.end()) {
      problems.push_back(
          {PathOf(i, "sink"), fmt::format("no sink is named {}{}", Quoted(route.sink),
                                          Suggestion(route.sink, sinks))});
    }
    if (route.name.empty() && routes_of[route.sink] > 1) {
      problems.push_back(
          {PathOf(i, "name"),
           fmt::format("missing; sink \"{}\" has several routes, each needs a name", route.sink)});
      continue;
    }
    if (route.name.empty()) route.name = route.sink;
    auto [first, added] = taken.emplace(route.name, i);
    if (!added) {
      problems.push_back({PathOf(i, "name"), fmt::format("\"{}\" is already the name of routes[{}]",
                                                         route.name, first->second)});
    }
  }
  return problems;
}

std::vector<Problem> FindOverlaps(const std::vector<RouteConfig>& routes) {
  std::vector<Problem> problems;
  for (size_t later = 0; later < routes.size(); ++later) {
    for (size_t earlier = 0; earlier < later; ++earlier) {
      const RouteConfig& first = routes[earlier];
      const RouteConfig& second = routes[later];
      if (first.stop || first.sink != second.sink || !MayOverlap(first, second)) {
        continue;
      }
      problems.push_back(
          {fmt::format("routes[{}]", later),
           fmt::format("a log may take this route and routes[{}] and arrive twice in sink \"{}\"; "
                       "give routes[{}] stop: true, or narrow a match",
                       earlier, second.sink, earlier)});
      break;
    }
  }
  return problems;
}

std::vector<Problem> FindUnusedSinks(const Config& config) {
  std::vector<Problem> problems;
  for (const SinkConfig& sink : config.sinks) {
    bool used = std::any_of(config.routes.begin(), config.routes.end(),
                            [&](const RouteConfig& route) { return route.sink == sink.name; });
    if (!used) problems.push_back({"sinks." + sink.name, "no route uses this sink"});
  }
  return problems;
}

}  // namespace hinomi
