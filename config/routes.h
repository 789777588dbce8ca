// What routes and sinks mean together: names left out, sinks that do not exist, logs that would
// arrive twice.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace hinomi {

/// What is wrong at a key, such as `routes[1].sink`.
struct Problem {
  std::string path;
  std::string text;
};

/// Adds the route of a single sink if there is none, and the names that were left out. Returns what
/// is wrong with names and sinks.
std::vector<Problem> CompleteRoutes(Config* config);

/// Pairs of routes by which one log may come into one sink twice.
std::vector<Problem> FindOverlaps(const std::vector<RouteConfig>& routes);

/// Sinks that no route uses.
std::vector<Problem> FindUnusedSinks(const Config& config);

}  // namespace hinomi
