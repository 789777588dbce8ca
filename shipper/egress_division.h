// Arithmetic of egress limits (shipper/egress.h): who gets how much of a rate, and how a rate is
// held over seconds although it is missed in every tenth of one. Rates are bytes per second. Knows
// no sockets.
#pragma once

#include <limits>
#include <vector>

namespace hinomi {

inline constexpr double kNoEgressLimit = std::numeric_limits<double>::infinity();

/// Shares of `rate` by what each wants: nobody gets more than that, and what one leaves is for the
/// others, in equal parts.
std::vector<double> DivideEgress(double rate, const std::vector<double>& wanted);

/// One rate and what was spent of it. A debt is paid back within seconds; what was not used counts
/// for 0.3 of one, so no ten seconds see more than the rate and those 3 % and the debt.
class EgressBudget {
 public:
  /// Another rate begins without a debt.
  void SetRate(double rate);
  double rate() const { return rate_; }
  void Spend(double bytes, double seconds);
  /// What may be sent per second until the next Spend.
  double Allowed() const;

 private:
  double rate_ = kNoEgressLimit;
  double balance_ = 0;  // bytes; a debt is negative
};

}  // namespace hinomi
