// Routes that take records by their level, and routes that go before others: what takes which, in
// which order it is sent, and that every byte of every log stays accounted for.
#include <gmock/gmock.h>

#include <random>

#include "shipper/reload_fixture.h"

namespace hinomi {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LevelsTest : public ReloadTest {
 protected:
  LevelsTest() {
    RouteConfig errors = RouteTo("errors", "b");
    errors.level = RecordLevel::kError;
    errors.stop = true;
    errors.priority = Priority::kHigh;
    config_.routes.insert(config_.routes.begin(), errors);
    Start();
  }
  std::string Says(const std::string& level, int n) {
    return Line("{\"level\":\"" + level + "\",\"message\":\"n=" + std::to_string(n) + "\"}");
  }
  uint64_t LeftOut(const std::string& route) const {
    return SumOf(route).settled.dropped[static_cast<size_t>(DropReason::kLevel)];
  }
};

TEST_F(LevelsTest, ARecordTakesTheRouteOfItsLevel) {
  const std::string grave = Says("error", 0) + Says("FATAL", 1) + Line("{\"severity\":50}");
  const std::string rest = Says("warn", 2) + Line("n=3") + Says("what", 4);
  Write(grave + rest);
  Pass();
  EXPECT_THAT(MessagesOf("b"), ElementsAre("n=0", "n=1", ""));
  EXPECT_THAT(MessagesOf("a"), ElementsAre("n=2", "n=3", "n=4"));
  for (const auto& [route, its, others] :
       {std::tuple("errors", grave, rest), {"all", rest, grave}}) {
    EXPECT_EQ(SumOf(route).produced, its.size() + others.size());
    EXPECT_EQ(SumOf(route).settled.acknowledged, its.size());
    EXPECT_EQ(LeftOut(route), others.size());
  }
  EXPECT_THAT(agent_metrics_->Expose(),
              HasSubstr("hinomi_log_bytes_dropped_total{namespace=\"prod\",reason=\"level\","
                        "route=\"all\"} " +
                        std::to_string(grave.size())));
}

TEST_F(LevelsTest, WithoutStopARecordTakesLaterRoutesToo) {
  config_.routes[0].stop = false;
  Reload();
  Write(Says("error", 0) + Says("info", 1));
  Pass();
  EXPECT_THAT(MessagesOf("b"), ElementsAre("n=0"));
  EXPECT_THAT(MessagesOf("a"), ElementsAre("n=0", "n=1"));
  EXPECT_EQ(LeftOut("all"), 0u);
}

TEST_F(LevelsTest, ALimitThatDropsCountsOnlyWhatTakesTheRoute) {
  ShareConfig share;
  share.bytes_per_second = 200;
  share.exceeded = Exceeded::kDrop;
  config_.fairness = {share};
  Start();
  Write(Line("before"));
  Pass();
  std::string infos, errors;
  for (int n = 100; n < 150; ++n) infos += Says("info", n);
  for (int n = 150; n < 200; ++n) errors += Says("error", n);
  Write(infos + errors);
  Pass();
  EXPECT_THAT(MessagesOf("a"), ElementsAre("before", "n=100", "n=101", "n=102"));
  EXPECT_THAT(MessagesOf("b"), ElementsAre("n=150", "n=151", "n=152"));
  EXPECT_EQ(LeftOut("all"), errors.size());
  EXPECT_EQ(SumOf("all").settled.Total(), SumOf("all").produced);
}

// What was read before counts by the level that there was then.
TEST_F(LevelsTest, AnotherLevelHoldsFromThenOn) {
  Write(Says("error", 0) + Says("warn", 1));
  Pass();
  config_.routes[0].level = RecordLevel::kWarn;
  Reload();
  Write(Says("error", 2) + Says("warn", 3) + Says("info", 4));
  Pass();
  EXPECT_THAT(MessagesOf("b"), ElementsAre("n=0", "n=2", "n=3"));
  EXPECT_THAT(MessagesOf("a"), ElementsAre("n=1", "n=4"));
}

class SlowSinkTest : public LevelsTest {
 protected:
  // Both routes into one sink that has room for four batches.
  SlowSinkTest() {
    config_.limits.in_flight_bytes_max = 4 * config_.sinks[0].batch_bytes;
    config_.sinks.resize(1);
    for (RouteConfig& route : config_.routes) route.sink = "a";
    Start();
  }
  void Backlog() {
    std::string content;
    for (int n = 0; n < 1000; ++n) content += Says("info", n);
    for (int n = 1000; n < 1005; ++n) content += Says("error", n);
    Write(content);
  }
  void Look() {
    for (int i = 0; i < 4; ++i) {
      clock_.Advance(seconds(1));
      for (const auto& source : agent_->sources()) source->Sweep();
      agent_->store().WaitForWork(Duration{0});
    }
  }
  // All that is read while nothing is taken.
  void Fill() {
    Look();
    for (bool busy = true; busy;) {
      busy = false;
      for (const uint32_t route :
           {agent_->store().routes().IndexOf("errors"), agent_->store().routes().IndexOf("all")}) {
        busy = agent_->worker().Step(route) || busy;
      }
    }
  }
  std::vector<std::string> SendOne() {
    const size_t before = servers_["a"].documents.size();
    if (Taken taken = Take(agent_->outlets()[0])) taken.Complete();
    std::vector<std::string> sent = MessagesOf("a");
    return {sent.begin() + static_cast<ptrdiff_t>(before), sent.end()};
  }
  // What is sent once an error was written that comes when the sink is full.
  std::vector<std::string> FirstAfterABacklog() {
    Backlog();
    Fill();
    SendOne();
    SendOne();
    Fill();
    Write(Says("error", 2000));
    Fill();
    return SendOne();
  }
};

TEST_F(SlowSinkTest, TheEndOfALongBacklogGoesFirstWhereItIsGrave) {
  Backlog();
  Fill();
  EXPECT_THAT(SendOne(), ElementsAre("n=1000", "n=1001", "n=1002", "n=1003", "n=1004"));
  EXPECT_EQ(SendOne().front(), "n=0");
}

// However full the sink is with what is less grave.
TEST_F(SlowSinkTest, ThereIsRoomForWhatComesLater) {
  EXPECT_THAT(FirstAfterABacklog(), ElementsAre("n=2000"));
}

TEST_F(SlowSinkTest, WithoutPriorityTheOrderIsThatOfTheirTurns) {
  config_.routes[0].priority = Priority::kNormal;
  Reload();
  EXPECT_NE(FirstAfterABacklog(), std::vector<std::string>{"n=2000"});
}

// Whatever changes in whatever order, and however far the routes are apart.
class ChangingLevelsTest : public SlowSinkTest, public ::testing::WithParamInterface<bool> {};

TEST_P(ChangingLevelsTest, WhateverHappensEveryRecordArrives) {
  const bool restarts = GetParam();
  std::minstd_rand random(11);
  const auto below = [&](unsigned n) { return random() % n; };
  const char* const levels[] = {"debug", "info", "warn", "error", "fatal", "odd"};
  int lines = 0;
  for (int step = 0; step < 150; ++step) {
    config_.routes[0].level = static_cast<RecordLevel>(1 + below(6));
    config_.routes[0].priority = static_cast<Priority>(below(2));
    config_.routes[1].priority = static_cast<Priority>(below(2));
    servers_["a"].dead = below(4) == 0;
    if (restarts && below(5) == 0) {
      Start();
    } else {
      Reload();
    }
    std::string content;
    for (auto more = below(40); more > 0; --more) {
      content += below(3) == 0 ? Line("n=" + std::to_string(lines)) : Says(levels[below(6)], lines);
      ++lines;
    }
    Write(content);
    Pass(milliseconds(100 * below(20)));
  }
  servers_["a"].dead = false;
  Pass(seconds(60));
  EXPECT_EQ(servers_["a"].documents.size(), static_cast<size_t>(lines));
  EXPECT_EQ(servers_["a"].duplicates, 0);
  for (const char* route : {"errors", "all"}) {
    EXPECT_EQ(SumOf(route).settled.Total(), SumOf(route).produced) << route;
  }
}

INSTANTIATE_TEST_SUITE_P(Restarts, ChangingLevelsTest, ::testing::Bool());

}  // namespace
}  // namespace hinomi
