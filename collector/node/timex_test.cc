#include "collector/node/timex.h"

#include <gtest/gtest.h>
#include <sys/timex.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

double ValueOf(const timex& clock, int state, std::string_view name) {
  const auto values = TimexValues(state, clock);
  for (size_t i = 0; i < values.size(); ++i) {
    if (kTimexMetrics[i].name == name) return values[i];
  }
  ADD_FAILURE() << name;
  return 0;
}

TEST(Timex, ConvertsUnits) {
  timex clock = {};
  clock.offset = 1500;
  clock.maxerror = 2'000'000;
  clock.freq = 65536 * 10;
  clock.tick = 10'000;
  EXPECT_EQ(ValueOf(clock, TIME_OK, "node_timex_offset_seconds"), 0.0015);
  EXPECT_EQ(ValueOf(clock, TIME_OK, "node_timex_maxerror_seconds"), 2);
  EXPECT_EQ(ValueOf(clock, TIME_OK, "node_timex_frequency_adjustment_ratio"), 1.00001);
  EXPECT_EQ(ValueOf(clock, TIME_OK, "node_timex_tick_seconds"), 0.01);
  EXPECT_EQ(ValueOf(clock, TIME_OK, "node_timex_sync_status"), 1);
  EXPECT_EQ(ValueOf(clock, TIME_ERROR, "node_timex_sync_status"), 0);
  clock.status = STA_NANO;
  EXPECT_EQ(ValueOf(clock, TIME_OK, "node_timex_offset_seconds"), 0.0000015);
}

}  // namespace
}  // namespace hinomi
