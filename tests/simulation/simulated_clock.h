// Time that passes only when the simulation says so. Wall time can jump; monotonic time cannot.
#pragma once

#include "base/clock.h"

namespace hinomi::simulation {

class SimulatedClock final : public Clock {
 public:
  Duration Monotonic() const override { return now_; }
  Duration Wall() const override { return now_ + wall_ahead_; }

  void Advance(Duration by) { now_ += by; }
  void JumpWall(Duration by) { wall_ahead_ += by; }

 private:
  Duration now_ = std::chrono::hours(1);
  Duration wall_ahead_ = std::chrono::seconds(1'795'000'000);
};

}  // namespace hinomi::simulation
