#include "collector/node/pressure.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Pressure, Parses) {
  const Result<Pressure> pressure = ParsePressure(
      "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n"
      "full avg10=0.00 avg60=0.00 avg300=0.00 total=20\n");
  ASSERT_TRUE(pressure);
  EXPECT_EQ(*pressure, (Pressure{1.5, 0.00002}));
}

TEST(Pressure, RefusesWhatIsNone) {
  for (const char* text : {"\n", "some avg10=0.00\n", "some total=x\n", "half total=1\n"}) {
    EXPECT_FALSE(ParsePressure(text)) << text;
  }
}

TEST(Pressure, ServesWhatTheKernelHas) {
  const TestHost host;
  EXPECT_EQ(host.Rows(MakePressure), "");
  host.Write("/proc/pressure/cpu", "some total=1000000\nfull total=0\n");
  host.Write("/proc/pressure/memory", "some total=2000000\nfull total=3000000\n");
  host.Write("/proc/pressure/irq", "full total=4000000\n");
  EXPECT_EQ(host.Rows(MakePressure),
            "node_pressure_cpu_waiting_seconds_total 1\n"
            "node_pressure_memory_waiting_seconds_total 2\n"
            "node_pressure_memory_stalled_seconds_total 3\n"
            "node_pressure_irq_stalled_seconds_total 4\n");
}

}  // namespace
}  // namespace hinomi
