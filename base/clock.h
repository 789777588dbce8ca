// Time as the agent sees it. Everything that waits, ages or backs off takes a Clock, so that tests
// and the simulation decide what time it is.
#pragma once

#include <chrono>

namespace hinomi {

using Duration = std::chrono::nanoseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  /// Monotonic time since an unspecified start: for linger, ages, back-off. Never jumps.
  virtual Duration Monotonic() const = 0;
  /// Wall time since the Unix epoch: for comparison with file times and for display only.
  virtual Duration Wall() const = 0;
};

/// CLOCK_MONOTONIC and CLOCK_REALTIME. Any thread.
class SystemClock final : public Clock {
 public:
  Duration Monotonic() const override;
  Duration Wall() const override;
};

}  // namespace hinomi
