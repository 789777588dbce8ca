#include "app/life.h"

#include <gmock/gmock.h>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/event_fixture.h"

namespace hinomi {
namespace {

using ::testing::ElementsAre;

class LifeTest : public ::testing::Test {
 protected:
  LifeTest()
      : events_({.directory = directory_ / "events", .agent = AgentAsPod("")},
                {files_, clock_, metrics_}) {
    EXPECT_TRUE(events_.Open());
  }
  /// What one start has said.
  std::vector<std::string> Begin(const std::string& configuration, bool ends) {
    std::filesystem::remove(directory_ / kLog);
    Life life(directory_ / "last_run", configuration, files_, events_);
    life.Begin("1.0");
    if (ends) {
      life.Stop("Terminated");
      life.End();
    }
    return Messages(*files_.ReadWhole(directory_ / kLog, 1 << 20));
  }

  static constexpr char kLog[] = "events/hinomi_agent_agent/hinomi/0.log";
  TemporaryDirectory directory_;
  PosixFileSystem files_;
  ManualClock clock_;
  Metrics metrics_;
  EventLog events_;
};

TEST_F(LifeTest, EachStartSaysHowTheLastRunEnded) {
  const std::string kUnclean = "hinomi 1.0 started; the run before was killed, or crashed";
  const std::string kChanged = "the configuration is another than at the last start";
  EXPECT_THAT(Begin("a", true), ElementsAre("hinomi 1.0 started", "hinomi stops: Terminated"));
  EXPECT_THAT(Begin("a", false), ElementsAre("hinomi 1.0 started"));
  EXPECT_THAT(Begin("a", false), ElementsAre(kUnclean));
  EXPECT_THAT(Begin("b", false), ElementsAre(kUnclean, kChanged));
  EXPECT_THAT(Begin("b", true), ElementsAre(kUnclean, "hinomi stops: Terminated"));
  EXPECT_THAT(Begin("c", true),
              ElementsAre("hinomi 1.0 started", kChanged, "hinomi stops: Terminated"));
}

TEST_F(LifeTest, AnotherConfigurationIsSaidOnce) {
  Life life(directory_ / "last_run", "a", files_, events_);
  life.Begin("1.0");
  life.Changed("b");
  life.End();
  EXPECT_THAT(Messages(*files_.ReadWhole(directory_ / kLog, 1 << 20)),
              ElementsAre("hinomi 1.0 started", "another configuration is in effect"));
  EXPECT_THAT(Begin("b", true), ElementsAre("hinomi 1.0 started", "hinomi stops: Terminated"));
}

TEST_F(LifeTest, WhatCannotBeReadIsNoGoodEnd) {
  for (const char* content : {"", "x", "running", "\n"}) {
    ASSERT_TRUE(files_.WriteSynced(directory_ / "last_run", content));
    EXPECT_THAT(Begin("a", false),
                ElementsAre("hinomi 1.0 started; the run before was killed, or crashed"))
        << content;
  }
}

}  // namespace
}  // namespace hinomi
