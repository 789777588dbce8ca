#include "collector/node/time.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Time, Serves) {
  const TestHost host;
  const std::string directory = std::string(kClockDirectory);
  host.Write(directory + "/available_clocksource", "tsc hpet \n");
  host.Write(directory + "/current_clocksource", "tsc\n");
  const std::string rows = host.Rows(MakeTime);
  EXPECT_TRUE(rows.starts_with("node_time_seconds 1795003600\n") ||
              rows.starts_with("node_time_seconds 1795003600."))
      << rows;
  EXPECT_TRUE(
      rows.ends_with("node_time_clocksource_available_info{clocksource=\"tsc\",device=\"0\"} 1\n"
                     "node_time_clocksource_available_info{clocksource=\"hpet\",device=\"0\"} 1\n"
                     "node_time_clocksource_current_info{clocksource=\"tsc\",device=\"0\"} 1\n"))
      << rows;
}

}  // namespace
}  // namespace hinomi
