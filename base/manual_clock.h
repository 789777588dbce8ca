// A clock for tests: it stands still until it is moved.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace hinomi {

class ManualClock final : public Clock {
 public:
  Duration Monotonic() const override { return now_; }
  Duration Wall() const override { return kWallAtStart + now_.load(); }
  void Advance(Duration by) { now_ = now_.load() + by; }

 private:
  static constexpr Duration kWallAtStart = std::chrono::seconds(1'795'000'000);
  std::atomic<Duration> now_{std::chrono::hours(1)};
};

}  // namespace hinomi
