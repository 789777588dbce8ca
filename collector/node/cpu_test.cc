#include "collector/node/cpu.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Cpu, Parses) {
  const Result<Table> times = ParseCpuTimes(
      "cpu  30 0 0 0 0 0 0 0 0 0\n"
      "cpu0 10 1 2 3 4 5 6 7 8 9\n"
      "cpu12 20 1 2 3\n"
      "intr 12 3\n");
  ASSERT_TRUE(times);
  EXPECT_EQ(*times, (Table{{"0", {10, 1, 2, 3, 4, 5, 6, 7, 8, 9}}, {"12", {20, 1, 2, 3}}}));
}

TEST(Cpu, RefusesWhatIsNone) {
  for (const char* text : {"", "cpu  1 2 3 4\n", "cpu0 1 2 3\n", "cpu0 1 2 x 4\n", "cpux 1 2 3 4\n",
                           "cpu0 1 2 3 99999999999999999999\n"}) {
    EXPECT_FALSE(ParseCpuTimes(text)) << text;
  }
}

TEST(Cpu, GoesBackOnlyWhenItBeginsAnew) {
  const auto kept = [](std::vector<std::optional<double>> before,
                       std::vector<std::optional<double>> now) {
    TableRow row = {"0", std::move(now)};
    KeepFromGoingBack({"0", std::move(before)}, 100, &row);
    return row.values;
  };
  using Values = std::vector<std::optional<double>>;
  EXPECT_EQ(kept({9, 9, 9, 900, 50}, {10, 9, 9, 899, 40}), (Values{10, 9, 9, 900, 50}));
  EXPECT_EQ(kept({9, 9, 9, 900, 50}, {1, 1, 1, 600, 40}), (Values{9, 9, 9, 900, 50}));
  EXPECT_EQ(kept({9, 9, 9, 900, 50}, {1, 1, 1, 599, 40}), (Values{1, 1, 1, 599, 40}));
  EXPECT_EQ(kept({9, 9, 9, 900}, {1, 1, 1, 900, 40}), (Values{1, 1, 1, 900, 40}));
}

TEST(Cpu, ServesSecondsByMode) {
  const TestHost host;
  const std::string tick = std::to_string(sysconf(_SC_CLK_TCK));
  host.Write("/proc/stat", "cpu0 " + tick + " 0 0 0 0 0 0 0 " + tick + " 0\n");
  const std::string rows = host.Rows(MakeCpu);
  EXPECT_TRUE(
      rows.starts_with("node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 1\n"
                       "node_cpu_seconds_total{cpu=\"0\",mode=\"nice\"} 0\n"))
      << rows;
  EXPECT_TRUE(
      rows.ends_with("mode=\"steal\"} 0\n"
                     "node_cpu_guest_seconds_total{cpu=\"0\",mode=\"user\"} 1\n"
                     "node_cpu_guest_seconds_total{cpu=\"0\",mode=\"nice\"} 0\n"))
      << rows;
}

}  // namespace
}  // namespace hinomi
