#include "tests/simulation/world.h"

#include <fmt/format.h>

namespace hinomi::simulation {
namespace {

// A file that cannot be opened for a while is taken for the newest when it can, and what is written
// to the one that really is gets lost.
constexpr bool kKeepsOrderOverErrors = false;
// A file that could not be linked is passed over after a restart where a newer one could.
constexpr bool kReadsOlderThanHeld = false;
constexpr char kRefusedWord[] = "refuse-me";

KubeletHabits DrawHabits(Random& random) {
  KubeletHabits habits;
  habits.rotates = random.Chance(80);
  habits.compresses = habits.rotates && random.Chance(40);
  habits.deletes = habits.rotates && random.Chance(40);
  habits.restarts = random.Chance(40);
  habits.removes_pods = random.Chance(30);
  habits.truncates = random.Chance(15);
  habits.writes_late = habits.rotates && random.Chance(30);
  habits.tears_lines = random.Chance(30);
  habits.writes_garbage = random.Chance(30);
  habits.writes_long_lines = random.Chance(30);
  habits.writes_parts = !habits.writes_late && random.Chance(60);
  habits.pods_max = random.Between(1, 3);
  if (random.Chance(40)) habits.refused_word = kRefusedWord;
  return habits;
}

Faults DrawFaults(Random& random) {
  Faults faults;
  if (random.Chance(40)) faults.interruption = random.Between(1, 20);
  if (random.Chance(50)) return faults;
  if (random.OneIn(2)) faults.io_error = random.Between(1, 10);
  if (random.OneIn(2)) faults.no_space = random.Between(1, 30);
  if (random.OneIn(2)) faults.short_read = random.Between(1, 30);
  if (kKeepsOrderOverErrors && random.OneIn(2)) faults.reach_error = random.Between(1, 10);
  if (kKeepsOrderOverErrors && random.OneIn(3)) faults.descriptors_max = random.Between(1, 6);
  return faults;
}

ServerHabits DrawServer(Random& random) {
  ServerHabits habits;
  habits.lanes = random.OneIn(2) ? 1 : 3;
  habits.has_ids = random.Chance(70);
  habits.refused_word = kRefusedWord;
  if (random.Chance(40)) return habits;
  if (random.OneIn(2)) habits.fails = random.Between(1, 40);
  if (random.OneIn(2)) habits.forgets = random.Between(1, 30);
  if (random.OneIn(2)) habits.answers_half = random.Between(1, 40);
  if (random.OneIn(3)) habits.dies = random.Between(1, 10);
  return habits;
}

void DrawRoutes(Random& random, World* world) {
  const size_t count = random.OneIn(2) ? 1 : 2;
  for (size_t i = 0; i < count; ++i) {
    RoutePlan route;
    route.name = fmt::format("route-{}", i);
    route.sink = i;
    if (i == 0 && count > 1 && random.OneIn(2)) {
      route.namespace_name = "alpha";
      route.stop = random.OneIn(2);
    }
    world->routes.push_back(route);
  }
  if (random.Chance(20)) {
    world->later_routes.push_back({"route-later", "", count, false, random.OneIn(2)});
  }
  for (size_t i = 0; i < count + world->later_routes.size(); ++i) {
    world->servers.push_back(DrawServer(random));
  }
}

}  // namespace

World DrawWorld(Random& random) {
  World world;
  world.steps = random.OneIn(8) ? random.Between(200, 800) : random.Between(20, 200);
  world.kubelet = DrawHabits(random);
  world.faults = DrawFaults(random);
  DrawRoutes(random, &world);
  world.has_births = random.Chance(70);
  world.has_watcher = random.Chance(70);
  if (random.OneIn(5)) world.watcher.watches_max = random.Between(0, 4);
  if (random.OneIn(5)) world.watcher.events_max = random.Between(1, 8);
  world.quantum_bytes = random.OneIn(3) ? 256 << 10 : random.Between(400, 4000);
  if (random.Chance(60)) world.crashes = random.Between(2, 60);
  if (random.Chance(25)) world.power_cuts = random.Between(2, 30);
  if (!kReadsOlderThanHeld && world.crashes + world.power_cuts > 0) world.faults.no_space = 0;
  Config& config = world.config;
  config.host_root = "/";
  config.state_dir = "/var/lib/hinomi";
  config.node = "node-1";
  config.kubernetes.pods_dir = Kubelet::kPodsDirectory;
  config.limits.record_bytes_max = random.OneIn(2) ? 256 << 10 : random.Between(60, 1000);
  config.limits.in_flight_bytes_max = random.OneIn(2) ? 16 << 20 : random.Between(2000, 20000);
  for (size_t i = 0; i < world.servers.size(); ++i) {
    SinkConfig& sink = config.sinks.emplace_back();
    sink.name = fmt::format("sink-{}", i);
    sink.type = SinkType::kElasticsearch;
    sink.batch_bytes = random.OneIn(3) ? 2 << 20 : random.Between(600, 6000);
    sink.linger = std::chrono::milliseconds(random.OneIn(2) ? 0 : 200);
  }
  return world;
}

RouteConfig ConfigOf(const RoutePlan& plan, const Config& config) {
  RouteConfig route;
  route.name = plan.name;
  route.match.namespace_pattern = plan.namespace_name;
  route.sink = config.sinks[plan.sink].name;
  route.stop = plan.stop;
  route.events = TakeEvents::kExclude;  // the model knows of lines
  route.start = plan.start_now ? StartAt::kNow : StartAt::kBeginning;
  return route;
}

}  // namespace hinomi::simulation
