// A clock for tests. It goes on by a nanosecond with every look, as a real one does, and otherwise
// stands still until it is moved.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace hinomi {

class ManualClock final : public Clock {
 public:
  Duration Monotonic() const override { return Duration(++now_); }
  Duration Wall() const override { return kWallAtStart + Duration(now_); }
  void Advance(Duration by) { now_ += by.count(); }

 private:
  static constexpr Duration kWallAtStart = std::chrono::seconds(1'795'000'000);
  mutable std::atomic<int64_t> now_ = Duration(std::chrono::hours(1)).count();
};

}  // namespace hinomi
