// How many requests a sink may have on their way at once: from one up to as many as it has lanes.
// Additive increase, multiplicative decrease: of the rules that many senders can follow without
// knowing of each other, the one that ends in a fair share for each (Chiu and Jain, "Analysis of
// the Increase and Decrease Algorithms for Congestion Avoidance in Computer Networks", 1989). What
// halves it is a refusal; latency that rises is the earlier sign, at which it stays where it is
// (Brakmo and Peterson, "TCP Vegas", 1995). Knows nothing of batches and threads.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace hinomi {

/// One thread at a time.
class RequestLimit {
 public:
  /// Starts at one; `max` is at least that.
  explicit RequestLimit(uint32_t max) : max_(max) {}

  uint32_t now() const { return limit_; }

  /// An attempt that took all. `busy`: attempts that were on their way when it ended, with itself.
  /// Below the limit, nothing is learnt: it was not what held the sink up.
  void Taken(Duration latency, uint32_t busy);
  /// An attempt that the server had no room for. One of those that were begun before the last
  /// decrease is no news.
  void Refused(Duration began, Duration now);

 private:
  const uint32_t max_;
  uint32_t limit_ = 1;
  uint32_t in_time_ = 0;  // attempts since the last change, none of which took long
  Duration usual_{0};     // latency; follows what is faster quickly and what is slower slowly
  Duration decreased_at_ = Duration::min();
};

}  // namespace hinomi
