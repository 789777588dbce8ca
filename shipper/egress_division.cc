#include "shipper/egress_division.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace hinomi {
namespace {

// What is measured is not all there is: a segment on its way, an acknowledgement.
constexpr double kAimedAt = 0.98;
constexpr double kCreditSecondsMax = 0.3;
constexpr double kSettledWithinSeconds = 1;
constexpr double kLeastAllowed = 0.5;  // a socket waits for what it was given, whatever it has then

}  // namespace

std::vector<double> DivideEgress(double rate, const std::vector<double>& wanted) {
  if (rate == kNoEgressLimit) return wanted;
  std::vector<size_t> order(wanted.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&wanted](size_t a, size_t b) { return wanted[a] < wanted[b]; });
  std::vector<double> shares(wanted.size());
  for (size_t i = 0; i < order.size(); ++i) {
    double& share = shares[order[i]];
    share = std::min(wanted[order[i]], rate / static_cast<double>(order.size() - i));
    rate -= share;
  }
  return shares;
}

void EgressBudget::SetRate(double rate) {
  if (rate == rate_) return;
  rate_ = rate;
  balance_ = 0;
}

void EgressBudget::Spend(double bytes, double seconds) {
  if (rate_ == kNoEgressLimit) return;
  const double rate = rate_ * kAimedAt;
  balance_ = std::min(balance_ + rate * seconds - bytes, rate * kCreditSecondsMax);
}

double EgressBudget::Allowed() const {
  if (rate_ == kNoEgressLimit) return rate_;
  const double rate = rate_ * kAimedAt;
  return std::max(rate + balance_ / kSettledWithinSeconds, rate * kLeastAllowed);
}

}  // namespace hinomi
