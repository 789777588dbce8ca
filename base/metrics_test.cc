#include "base/metrics.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

namespace hinomi {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Metrics, WhatIsHiddenComesBackWhenItIsAskedFor) {
  Metrics metrics;
  const auto up = [&](const char* sink) {
    return metrics.GaugeOf("up", "Whether.", {{"sink", sink}, {"lane", "0"}});
  };
  Gauge first = up("a");
  up("b").Set(1);
  metrics.Hide({{"sink", "a"}});
  first.Set(7);
  EXPECT_THAT(metrics.Expose(), Not(HasSubstr("sink=\"a\"")));
  EXPECT_THAT(metrics.Expose(), HasSubstr("up{lane=\"0\",sink=\"b\"} 1"));
  metrics.Hide({{"sink", "b"}});
  EXPECT_THAT(metrics.Expose(), Not(HasSubstr("up"))) << "no heading without rows";
  up("a");
  EXPECT_THAT(metrics.Expose(), HasSubstr("up{lane=\"0\",sink=\"a\"} 7"));
}

TEST(Metrics, AHookEndsWithItsObject) {
  Metrics metrics;
  int scrapes = 0;
  const auto rows = [](const char* name) {
    return std::vector<MetricRows>{{.name = name, .help = "Rows.", .rows = {{{}, 1}}}};
  };
  Metrics::Hook kept = metrics.OnExpose([&] { return rows("kept"); });
  {
    const Metrics::Hook scrape = metrics.OnScrape([&] { ++scrapes; });
    Metrics::Hook gone = metrics.OnExpose([&] { return rows("gone"); });
    EXPECT_THAT(metrics.Expose(), HasSubstr("gone 1"));
    kept = std::move(gone);  // which ends with the other's object
    EXPECT_THAT(metrics.Expose(), HasSubstr("kept 1"));
  }
  EXPECT_EQ(scrapes, 2);
  const std::string text = metrics.Expose();
  EXPECT_EQ(scrapes, 2);
  EXPECT_THAT(text, HasSubstr("gone 1"));
  EXPECT_THAT(text, Not(HasSubstr("kept 1")));
}

TEST(Metrics, AHookEndsAfterTheExpositionThatAsksIt) {
  Metrics metrics;
  std::atomic<bool> asked = false;
  std::atomic<bool> answered = false;
  auto hook = std::make_unique<Metrics::Hook>(metrics.OnScrape([&] {
    asked = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    answered = true;
  }));
  const std::jthread scrape([&] { metrics.Expose(); });
  while (!asked) std::this_thread::yield();
  hook.reset();
  EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace hinomi
