#include "shipper/request_limit.h"

#include <algorithm>

namespace hinomi {
namespace {

constexpr int kSlowFactor = 2;  // times the usual latency

}  // namespace

void RequestLimit::Taken(Duration latency, uint32_t busy) {
  if (busy < limit_) return;
  if (usual_ == Duration::zero()) usual_ = latency;
  const bool slow = latency > kSlowFactor * usual_;
  // So a server that stays slow is in time again after a while: it is then measured by itself.
  usual_ += (latency - usual_) / (latency < usual_ ? 2 : 16);
  in_time_ = slow ? 0 : in_time_ + 1;
  if (in_time_ < limit_ || limit_ == max_) return;
  ++limit_;
  in_time_ = 0;
}

void RequestLimit::Refused(Duration began, Duration now) {
  in_time_ = 0;
  if (began < decreased_at_) return;
  limit_ = std::max(1u, limit_ / 2);
  decreased_at_ = now;
}

}  // namespace hinomi
