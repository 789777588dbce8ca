// What a seed decides about a run before it begins.
#pragma once

#include <vector>

#include "config/config.h"
#include "tests/simulation/kubelet.h"
#include "tests/simulation/model.h"
#include "tests/simulation/server.h"
#include "tests/simulation/simulated_filesystem.h"
#include "tests/simulation/simulated_watcher.h"

namespace hinomi::simulation {

/// What the agent has to live with.
struct World {
  uint64_t steps = 0;
  KubeletHabits kubelet;
  Faults faults;
  std::vector<ServerHabits> servers;  // one per sink
  std::vector<RoutePlan> routes;
  std::vector<RoutePlan> later_routes;  // that the configuration gets at a restart
  Config config;                        // without routes
  bool has_births = true;
  bool has_watcher = true;
  SimulatedWatcher::Limits watcher;
  uint64_t quantum_bytes = 0;
  uint64_t crashes = 0;     // per thousand steps
  uint64_t power_cuts = 0;  // likewise
};

World DrawWorld(Random& random);

/// The configuration's word for the same.
RouteConfig ConfigOf(const RoutePlan& plan, const Config& config);

}  // namespace hinomi::simulation
