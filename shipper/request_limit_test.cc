#include "shipper/request_limit.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

using std::chrono::milliseconds;

constexpr Duration kUsual = milliseconds(100);

/// Attempts that are always as many as may be.
void Take(RequestLimit* limit, int attempts, Duration latency = kUsual) {
  for (int i = 0; i < attempts; ++i) limit->Taken(latency, limit->now());
}

TEST(RequestLimitTest, GrowsByOneARoundUpToItsLargest) {
  RequestLimit limit(4);
  EXPECT_EQ(limit.now(), 1u);
  const uint32_t wanted[] = {2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4};
  for (uint32_t want : wanted) {
    Take(&limit, 1);
    EXPECT_EQ(limit.now(), want);
  }
}

TEST(RequestLimitTest, LearnsNothingFromASinkThatIsNotBusy) {
  RequestLimit limit(4);
  Take(&limit, 1);
  for (int i = 0; i < 100; ++i) limit.Taken(kUsual, 1);
  EXPECT_EQ(limit.now(), 2u);
}

TEST(RequestLimitTest, StaysWhileLatencyRisesAndGoesOnWhenItHasSettled) {
  RequestLimit limit(64);
  Take(&limit, 1 + 2 + 3);
  EXPECT_EQ(limit.now(), 4u);
  Take(&limit, 5, 3 * kUsual);
  EXPECT_EQ(limit.now(), 4u);
  Take(&limit, 50, 3 * kUsual);
  EXPECT_GT(limit.now(), 4u);
}

TEST(RequestLimitTest, HalvesOncePerRound) {
  RequestLimit limit(64);
  Take(&limit, 1000);
  const uint32_t before = limit.now();
  ASSERT_GT(before, 16u);
  const Duration began = milliseconds(1000), ended = milliseconds(1200);
  for (uint32_t i = 0; i < before; ++i) limit.Refused(began, ended);
  EXPECT_EQ(limit.now(), before / 2);
  for (int i = 0; i < 20; ++i) limit.Refused(ended + kUsual * i, ended + kUsual * (i + 1));
  EXPECT_EQ(limit.now(), 1u);
}

TEST(RequestLimitTest, ThoseThatShareAServerEndWithAFairShare) {
  constexpr uint32_t kCapacity = 40;
  RequestLimit early(64), late(64);
  Take(&early, 700);
  ASSERT_GT(early.now(), 30u);
  Duration now = milliseconds(0);
  uint64_t of_early = 0, of_late = 0;
  for (int round = 0; round < 2000; ++round) {
    now += kUsual;
    const bool full = early.now() + late.now() > kCapacity;
    for (RequestLimit* limit : {&early, &late}) {
      const uint32_t requests = limit->now();
      for (uint32_t i = 0; i < requests; ++i) {
        full ? limit->Refused(now - kUsual, now) : limit->Taken(kUsual, limit->now());
      }
    }
    if (round < 1000) continue;
    of_early += early.now();
    of_late += late.now();
  }
  EXPECT_NEAR(static_cast<double>(of_early) / static_cast<double>(of_late), 1, 0.1);
  EXPECT_GT(of_early + of_late, 1000 * kCapacity / 2) << "and the server is used";
}

}  // namespace
}  // namespace hinomi
