// One run, told by its seed: a node is drawn by lot, with its habits, faults and limits; then one
// action after another, of the kubelet, of the agent's parts, of the sinks or of fate; at the end
// the world heals, the agent drains, and the model decides.
#pragma once

#include <cstdint>
#include <string>

namespace hinomi::simulation {

struct RunResult {
  bool passed = true;
  std::string violation;
  uint64_t lines = 0;
  uint64_t documents = 0;
  uint64_t steps = 0;
};

/// `verbose` prints every action to standard output.
RunResult Run(uint64_t seed, bool verbose);

}  // namespace hinomi::simulation
