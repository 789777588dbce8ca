#include "shipper/egress_division.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

namespace hinomi {
namespace {

using testing::DoubleNear;
using testing::Pointwise;

TEST(DivideEgress, GivesNobodyMoreThanItWantsAndTheRestToTheOthers) {
  struct Case {
    double rate;
    std::vector<double> wanted, want;
  };
  for (const Case& test : std::vector<Case>{
           {90, {}, {}},
           {90, {10}, {10}},
           {90, {kNoEgressLimit}, {90}},
           {90, {kNoEgressLimit, kNoEgressLimit, kNoEgressLimit}, {30, 30, 30}},
           {90, {kNoEgressLimit, 0, kNoEgressLimit}, {45, 0, 45}},
           {90, {kNoEgressLimit, 20, 1000}, {35, 20, 35}},
           {90, {10, 20, 30}, {10, 20, 30}},
           {kNoEgressLimit, {10, kNoEgressLimit}, {10, kNoEgressLimit}},
       }) {
    EXPECT_THAT(DivideEgress(test.rate, test.wanted), Pointwise(testing::DoubleEq(), test.want));
  }
}

/// The most of any ten seconds, and the mean, as shares of the rate, when of each tenth of a second
/// `used(i)` of what is allowed is sent, and `beyond(i)` bytes.
struct Course {
  double most = 0, mean = 0;
};
template <typename Used, typename Beyond>
Course Follow(Used used, Beyond beyond) {
  constexpr double kRate = 1000, kTick = 0.1;
  constexpr size_t kWindow = 100, kTicks = 1000;
  EgressBudget budget;
  budget.SetRate(kRate);
  std::vector<double> sent;
  for (size_t i = 0; i < kTicks; ++i) {
    sent.push_back(budget.Allowed() * kTick * used(i) + beyond(i));
    budget.Spend(sent.back(), kTick);
  }
  Course course;
  for (auto begin = sent.begin(); begin + kWindow <= sent.end(); ++begin) {
    course.most = std::max(course.most, std::accumulate(begin, begin + kWindow, 0.0) / 10 / kRate);
  }
  course.mean = std::accumulate(sent.begin(), sent.end(), 0.0) / (kTicks * kTick) / kRate;
  return course;
}

TEST(EgressBudget, HoldsTheRateOverTenSeconds) {
  const auto all = [](size_t) { return 1.0; };
  const auto nothing = [](size_t) { return 0.0; };
  const Course steady = Follow(all, nothing);
  EXPECT_LT(steady.most, 1.01);
  EXPECT_GT(steady.mean, 0.97);
  // Every second segment is late, so that nothing and the double of it are seen in turn.
  const Course uneven = Follow([](size_t i) { return i % 2 == 0 ? 0.0 : 2.0; }, nothing);
  EXPECT_LT(uneven.most, 1.03);
  EXPECT_GT(uneven.mean, 0.90);
  // A fifth of a second's worth beyond what was allowed, once a second.
  const Course beyond = Follow(all, [](size_t i) { return i % 10 == 0 ? 200.0 : 0.0; });
  EXPECT_LT(beyond.most, 1.05);
  EXPECT_GT(beyond.mean, 0.90);
  // After a pause.
  const Course pauses = Follow([](size_t i) { return i % 200 < 50 ? 0.0 : 1.0; }, nothing);
  EXPECT_LT(pauses.most, 1.03);
}

TEST(EgressBudget, WithoutALimitAllowsAll) {
  EgressBudget budget;
  budget.Spend(1e12, 1);
  EXPECT_EQ(budget.Allowed(), kNoEgressLimit);
  budget.SetRate(1000);
  EXPECT_THAT(budget.Allowed(), DoubleNear(1000, 30));
}

}  // namespace
}  // namespace hinomi
