#include "base/clock.h"

namespace hinomi {

Duration SystemClock::Monotonic() const {
  return std::chrono::steady_clock::now().time_since_epoch();
}

Duration SystemClock::Wall() const { return std::chrono::system_clock::now().time_since_epoch(); }

}  // namespace hinomi
