// Another configuration while the pipeline runs, and over a restart: what did not change goes on,
// cursors follow the names of routes, and every byte stays accounted for.
#include <gmock/gmock.h>

#include <filesystem>
#include <random>

#include "shipper/reload_fixture.h"

namespace hinomi {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(ReloadTest, ARouteGoesOnInAnotherSinkWhereItWas) {
  Write(Lines(0, 3));
  Pass();
  config_.routes[0].sink = "b";
  Reload();
  Write(Lines(3, 2));
  Pass();
  EXPECT_THAT(MessagesOf("a"), ElementsAre("n=0", "n=1", "n=2"));
  EXPECT_THAT(MessagesOf("b"), ElementsAre("n=3", "n=4"));
  EXPECT_EQ(made_, (std::map<std::string, int>{{"a", 1}, {"b", 1}})) << "nothing was made anew";
  EXPECT_THAT(agent_metrics_->Expose(),
              Not(HasSubstr("hinomi_route_pending_bytes{route=\"all\",sink=\"a\"}")));
  EXPECT_THAT(agent_metrics_->Expose(),
              HasSubstr("hinomi_route_pending_bytes{route=\"all\",sink=\"b\"} 0"));
  EXPECT_EQ(SumOf("all").settled.acknowledged, SumOf("all").produced);
}

TEST_F(ReloadTest, OnlyTheSinkThatChangedIsMadeAnew) {
  config_.routes.push_back(RouteTo("more", "b"));
  Start();
  made_.clear();
  Write(Lines(0, 1));
  Pass();
  config_.sinks[1].batch_bytes *= 2;
  Reload();
  EXPECT_EQ(made_, (std::map<std::string, int>{{"b", 1}}));
  Write(Lines(1, 1));
  Pass();
  EXPECT_THAT(MessagesOf("a"), ElementsAre("n=0", "n=1"));
  EXPECT_THAT(MessagesOf("b"), ElementsAre("n=0", "n=1"));
  EXPECT_EQ(servers_["b"].duplicates, 0);
}

TEST_F(ReloadTest, WhatIsOnItsWayWhereNothingChangesArrivesOnce) {
  Taken taken = OnItsWay();
  ASSERT_TRUE(taken);
  config_.sinks.push_back(SinkNamed("c"));
  config_.routes.push_back(RouteTo("more", "c"));
  Reload();
  taken.Complete();
  Pass();
  EXPECT_THAT(MessagesOf("a"), ElementsAre("n=0", "n=1", "n=2"));
  EXPECT_EQ(servers_["a"].duplicates, 0);
  EXPECT_THAT(MessagesOf("c"), ElementsAre("n=0", "n=1", "n=2"));
}

TEST_F(ReloadTest, WhatASinkDoesNotGiveBackIsSentByTheNext) {
  Taken hangs = OnItsWay();
  ASSERT_TRUE(hangs);
  config_.sinks.erase(config_.sinks.begin());
  config_.routes[0].sink = "b";
  auto leaving = agent_->BeginReload(config_);
  EXPECT_FALSE(agent_->Withdrawn(leaving));
  agent_->FinishReload(config_);
  Pass();
  EXPECT_THAT(MessagesOf("b"), ElementsAre("n=0", "n=1", "n=2"));
  const uint64_t produced = SumOf("all").produced;
  EXPECT_EQ(SumOf("all").settled.acknowledged, produced);
  hangs.Complete();
  Pass();
  EXPECT_EQ(SumOf("all").settled.acknowledged, produced) << "nobody asks any more";
  EXPECT_THAT(agent_metrics_->Expose(), Not(HasSubstr("sink=\"a\"")));
}

TEST_F(ReloadTest, CursorsFollowNames) {
  config_.routes = {RouteTo("x", "a"), RouteTo("y", "b")};
  Start();
  Write(Lines(0, 2));
  Pass();
  std::swap(config_.routes[0], config_.routes[1]);
  config_.routes.insert(config_.routes.begin(), RouteTo("z", "c"));
  config_.sinks.push_back(SinkNamed("c"));
  Reload();
  Write(Lines(2, 2));
  Pass();
  for (const char* sink : {"a", "b", "c"}) {
    EXPECT_THAT(MessagesOf(sink), ElementsAre("n=0", "n=1", "n=2", "n=3")) << sink;
    EXPECT_EQ(servers_[sink].duplicates, 0) << sink;
  }
  std::rotate(config_.routes.begin(), config_.routes.begin() + 1, config_.routes.end());
  Start();
  Write(Lines(4, 1));
  Pass();
  for (const char* sink : {"a", "b", "c"}) {
    EXPECT_EQ(MessagesOf(sink).size(), 5u) << sink;
    EXPECT_EQ(servers_[sink].duplicates, 0) << sink;
  }
}

TEST_F(ReloadTest, ANewRouteThatStartsNowStartsNow) {
  Write(Lines(0, 2));
  Pass();
  config_.routes.push_back(RouteTo("more", "b"));
  config_.routes[1].start = StartAt::kNow;
  Reload();
  Write(Lines(2, 1));
  Pass();
  EXPECT_THAT(MessagesOf("b"), ElementsAre("n=2"));
  // One that comes back is new, however long it was there.
  Reload();
  config_.routes.pop_back();
  Reload();
  Write(Lines(3, 1));
  Pass();
  config_.routes.push_back(RouteTo("more", "b"));
  config_.routes[1].start = StartAt::kNow;
  Reload();
  Write(Lines(4, 1));
  Pass();
  EXPECT_THAT(MessagesOf("b"), ElementsAre("n=2", "n=4"));
  EXPECT_THAT(MessagesOf("a"), ElementsAre("n=0", "n=1", "n=2", "n=3", "n=4"));
  EXPECT_EQ(RemovedOf("more"), 0u) << "it had delivered what it had seen";
}

class RemovedRouteTest : public ReloadTest {
 protected:
  // A route whose sink is dead, with a file that only the escrow has.
  void LeaveALot() {
    config_.routes.push_back(RouteTo("dead", "b"));
    Start();
    servers_["b"].dead = true;
    Write(Lines(0, 5));
    Pass();
    Rotate("20261121-022700");
    Write(Lines(5, 5));
    Pass(seconds(10));
    fs::remove(PathOf("0.log.20261121-022700"));
    Pass(seconds(10));
    ASSERT_GT(Escrowed(), 1);
    pending_ = SumOf("dead").produced;
    ASSERT_GT(pending_, 0u);
    config_.routes.pop_back();
    config_.sinks.pop_back();
  }
  void ExpectGone() {
    EXPECT_EQ(RemovedOf("dead"), pending_);
    EXPECT_EQ(SumOf("dead").produced, pending_);
    EXPECT_EQ(Escrowed(), 1) << "the file that is still written to";
    EXPECT_THAT(
        agent_metrics_->Expose(),
        HasSubstr("hinomi_log_bytes_dropped_total{namespace=\"prod\",reason=\"route_removed\","
                  "route=\"dead\"} " +
                  std::to_string(pending_)));
  }
  uint64_t pending_ = 0;
};

TEST_F(RemovedRouteTest, IsToldAndFreesTheEscrow) {
  LeaveALot();
  Reload();
  Pass(seconds(10));
  ExpectGone();
  EXPECT_THAT(agent_metrics_->Expose(), Not(HasSubstr("sink=\"b\"")))
      << "an alert about a sink that is not there any more would never end";
  // The account stays, over a restart too.
  Start();
  Pass();
  EXPECT_EQ(RemovedOf("dead"), pending_);
}

TEST_F(RemovedRouteTest, IsToldOverARestart) {
  LeaveALot();
  Start();
  Pass(seconds(10));
  ExpectGone();
  Start();
  Pass();
  EXPECT_EQ(RemovedOf("dead"), pending_) << "once";
}

TEST_F(RemovedRouteTest, ALogThatARouteNoLongerTakesIsToldToo) {
  LeaveALot();
  config_.sinks.push_back(SinkNamed("b"));
  config_.routes.push_back(RouteTo("dead", "b"));
  config_.routes.back().match.namespace_pattern = "other";
  Reload();
  Pass(seconds(10));
  EXPECT_EQ(RemovedOf("dead"), pending_);
  EXPECT_EQ(Escrowed(), 1);
}

TEST_F(ReloadTest, NobodysLogIsReadOnceARouteTakesIt) {
  config_.routes[0].match.namespace_pattern = "other";
  Start();
  Write(Lines(0, 2));
  Pass();
  EXPECT_THAT(MessagesOf("a"), IsEmpty());
  config_.routes[0].match.namespace_pattern = "";
  Reload();
  Write(Lines(2, 1));
  Pass();
  EXPECT_THAT(MessagesOf("a"), ElementsAre("n=0", "n=1", "n=2"));
  EXPECT_EQ(Escrowed(), 1);
  config_.routes[0].match.namespace_pattern = "other";
  Reload();
  EXPECT_EQ(Escrowed(), 0);
}

// Whatever is asked for in whatever order: a route that stays delivers everything once.
TEST_F(ReloadTest, AnyNumberOfThemLosesNothing) {
  std::minstd_rand random(7);
  const auto below = [&](unsigned n) { return random() % n; };
  int lines = 0;
  for (int step = 0; step < 80; ++step) {
    config_.sinks.clear();
    for (const char* name : {"a", "b", "c"}) {
      config_.sinks.push_back(SinkNamed(name));
      config_.sinks.back().batch_bytes <<= below(2);
      servers_[name].dead = below(4) == 0;
    }
    const auto any_sink = [&] { return config_.sinks[below(3)].name; };
    config_.routes = {RouteTo("all", any_sink())};
    for (const char* name : {"x", "y", "z"}) {
      if (below(2) == 0) continue;
      RouteConfig route = RouteTo(name, any_sink());
      if (below(3) == 0) route.match.namespace_pattern = below(2) == 0 ? "prod" : "other";
      config_.routes.insert(config_.routes.begin() + below(2), route);
    }
    if (below(5) == 0) {
      Start();
    } else {
      Reload();
    }
    const int more = static_cast<int>(below(20));
    Write(Lines(lines, more));
    lines += more;
    if (below(4) == 0) Rotate("20261121-" + std::to_string(100000 + step));
    Pass(milliseconds(100 * below(20)));
  }
  for (auto& [name, server] : servers_) server.dead = false;
  config_.routes = {RouteTo("all", "a")};
  Reload();
  Pass(seconds(60));
  std::set<std::string> seen;
  for (auto& [name, server] : servers_) {
    for (const Received& document : server.documents) seen.insert(document.message);
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(lines));
  const LedgerEntry all = SumOf("all");
  EXPECT_EQ(all.settled.acknowledged, all.produced);
  EXPECT_EQ(RemovedOf("all"), 0u);
}

}  // namespace
}  // namespace hinomi
