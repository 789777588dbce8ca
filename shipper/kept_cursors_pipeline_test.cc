// The pipeline with a sink that keeps the cursors next to the records: whatever ends when, each
// record is stored once.
#include <gmock/gmock.h>

#include <filesystem>
#include <random>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/pipeline.h"

namespace hinomi {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kDirectory[] = "prod_web_0b1c2d3e-0000-4000-8000-000000000001/main";

/// Stands for Kafka: a batch and its cursors are there together, or not at all.
struct Server {
  enum class Answer { kGood, kLost, kRefused };
  std::vector<std::string> documents;  // in the order of arrival
  std::map<std::string, KeptCursor> cursors;
  std::vector<Answer> answers;  // to the next batches; good once there are none
  bool down = false;
  std::vector<std::string> forgotten;
};

class TransactionalSink final : public Sink, public CursorKeeper {
 public:
  explicit TransactionalSink(Server& server) : server_(server) {}
  RecordFormat format() const override { return RecordFormat::kJson; }
  CursorKeeper* cursors() override { return this; }
  Attempt Open(uint32_t, const std::stop_token&, std::vector<KeptCursor>* cursors) override {
    if (server_.down) return {"connection refused", "transport", {}};
    for (const auto& [log, cursor] : server_.cursors) cursors->push_back(cursor);
    return {};
  }
  void Forget(uint32_t, std::vector<std::string> logs) override {
    for (const std::string& log : logs) server_.cursors.erase(log);
    std::move(logs.begin(), logs.end(), std::back_inserter(server_.forgotten));
  }
  Attempt Deliver(Batch& batch, uint32_t, const std::stop_token&) override {
    Server::Answer answer = Server::Answer::kGood;
    if (!server_.answers.empty()) {
      answer = server_.answers.back();
      server_.answers.pop_back();
    }
    Attempt failure{.error = "lost", .code = "transport", .retry_after = {}, .reopen = true};
    if (answer == Server::Answer::kRefused) return failure;
    for (BatchRecord& record : batch.records) {
      const bool lost = answer == Server::Answer::kLost;
      record.outcome = lost ? Outcome::kPending : Outcome::kAcknowledged;
      server_.documents.push_back(batch.bytes.substr(record.begin, record.end - record.begin));
    }
    for (const Slice& slice : batch.slices) {
      const SegmentRange& last = slice.ranges.back();
      const std::string& log = slice.origin->path;
      server_.cursors[log] = {log, last.segment_key, last.end, slice.after};
    }
    return answer == Server::Answer::kLost ? failure : Attempt();
  }

 private:
  Server& server_;
};

class KeptCursorsTest : public ::testing::Test {
 protected:
  KeptCursorsTest() {
    config_.host_root = root_.path();
    config_.state_dir = root_ / "state";
    config_.node = "node-1";
    config_.escrow.free_percent_min = 0;
    config_.kubernetes.pods_dir = "/pods";
    config_.sinks.resize(1);
    config_.sinks[0].name = "stream";
    config_.sinks[0].batch_bytes = 4 << 10;
    config_.routes.push_back({.name = "all", .match = {}, .sink = "stream"});
    std::filesystem::create_directories(root_ / "pods");
    std::filesystem::create_directories(root_ / "state");
    Start();
  }

  /// A new life of the agent; the one before it was killed.
  void Start() {
    agent_.reset();
    metrics_ = std::make_unique<Metrics>();
    agent_ = std::make_unique<Pipeline>(
        config_, "",
        Pipeline::Parts{.files = files_,
                        .clock = clock_,
                        .metrics = *metrics_,
                        .make_sink =
                            [this](const SinkConfig&, const SinkSurroundings&) {
                              return std::make_unique<TransactionalSink>(server_);
                            },
                        .make_watcher = [] { return nullptr; }});
  }
  void LoseState() {
    agent_.reset();
    for (const char* name : {"checkpoint.a", "checkpoint.b"}) {
      std::filesystem::remove(root_ / ("state/" + std::string(name)));
    }
    Start();
  }
  void Pass(Duration time, bool housekeep = true) {
    Delivery& delivery = *agent_->outlets()[0]->delivery;
    for (const Duration until = clock_.Monotonic() + time; clock_.Monotonic() < until;) {
      clock_.Advance(milliseconds(100));
      for (const auto& source : agent_->sources()) source->Sweep();
      delivery.OpenRoutes({});
      agent_->store().WaitForWork(Duration{0});
      for (int i = 0; i < 1000 && agent_->worker().Step(0); ++i) Deliver();
      Deliver();
      if (housekeep) agent_->Housekeep();
    }
  }
  void Deliver() {
    Delivery& delivery = *agent_->outlets()[0]->delivery;
    Duration wait{0};
    while (std::unique_ptr<Batch> batch = delivery.Take(&wait)) {
      batch->pending_before = static_cast<uint32_t>(batch->records.size());
      const Attempt attempt = agent_->outlets()[0]->sink->Deliver(*batch, 0, {});
      delivery.Complete(std::move(batch), attempt);
    }
  }
  std::string Time() {
    char time[64];
    std::snprintf(time, sizeof time, "2026-11-21T02:26:54.%09dZ", ++times_);
    return time;
  }
  void Append(const std::string& content) {
    root_.Append(std::string("pods/") + kDirectory + "/0.log", content);
  }
  void Write(int lines) {
    for (int i = 0; i < lines; ++i) {
      Append(Time() + " stdout F n=" + std::to_string(written_++) + "\n");
    }
  }
  void Rotate() {
    const std::filesystem::path log = root_ / (std::string("pods/") + kDirectory + "/0.log");
    std::filesystem::rename(log, log.string() + ".20261121-" + std::to_string(100000 + times_));
  }
  void ExpectAllOnce() {
    ASSERT_EQ(server_.documents.size(), static_cast<size_t>(written_));
    for (int i = 0; i < written_; ++i) {
      ASSERT_THAT(server_.documents[i], HasSubstr("\"n=" + std::to_string(i) + "\""));
    }
    EXPECT_THAT(metrics_->Expose(), HasSubstr("hinomi_ledger_imbalance_bytes{route=\"all\"} 0\n"));
  }

  TemporaryDirectory root_;
  Config config_;
  PosixFileSystem files_;
  ManualClock clock_;
  Server server_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Pipeline> agent_;
  int written_ = 0, times_ = 0;
};

TEST_F(KeptCursorsTest, NothingIsReadBeforeTheRouteIsOpen) {
  server_.down = true;
  Write(10);
  Pass(seconds(3));
  EXPECT_THAT(agent_->outlets()[0]->delivery->LastError(), HasSubstr("connection refused"));
  EXPECT_TRUE(server_.documents.empty());
  server_.down = false;
  Pass(seconds(12));
  ExpectAllOnce();
  EXPECT_EQ(agent_->outlets()[0]->delivery->LastError(), "");
}

TEST_F(KeptCursorsTest, AKilledAgentGoesOnAtTheSinksCursor) {
  Write(500);
  Pass(seconds(1));
  Write(500);
  Pass(seconds(1), /*housekeep=*/false);
  ASSERT_EQ(server_.documents.size(), 1000u);
  Start();
  Write(10);
  Pass(seconds(2));
  ExpectAllOnce();
  EXPECT_THAT(metrics_->Expose(),
              HasSubstr("hinomi_kept_cursors_total{outcome=\"adopted\",route=\"all\"} 1\n"));
}

TEST_F(KeptCursorsTest, AnAgentThatHasLostItsStateGoesOnThereToo) {
  Write(100);
  Pass(seconds(1));
  Rotate();
  Write(100);
  Pass(seconds(3));
  LoseState();
  Write(10);
  Pass(seconds(2));
  ExpectAllOnce();
}

TEST_F(KeptCursorsTest, ACommitWithoutAnAnswerIsNotRepeated) {
  Write(10);
  Pass(seconds(1));
  server_.answers = {Server::Answer::kLost, Server::Answer::kGood};
  Write(1000);
  Pass(seconds(15));
  ExpectAllOnce();
}

// The part of a record that waited too long for its end was sent as it was: what follows goes on
// behind it.
TEST_F(KeptCursorsTest, ARecordThatWasCutIsNotSentAgain) {
  Write(3);
  Append(Time() + " stdout P first half,\n");
  Pass(seconds(8), /*housekeep=*/false);
  ASSERT_EQ(server_.documents.size(), 4u);
  Start();
  Append(Time() + " stdout F second half\n");
  Pass(seconds(2));
  ASSERT_EQ(server_.documents.size(), 5u);
  EXPECT_THAT(server_.documents[4], HasSubstr("\"second half\""));
  EXPECT_THAT(server_.documents[4], HasSubstr("\"flags\":[\"cut\"]"));
}

TEST_F(KeptCursorsTest, WhereTheSinkKnowsNothingTheCheckpointCounts) {
  Write(10);
  Pass(seconds(2));
  server_.cursors.clear();
  Start();
  Write(10);
  Pass(seconds(2));
  ExpectAllOnce();
  EXPECT_THAT(metrics_->Expose(),
              HasSubstr("hinomi_kept_cursors_total{outcome=\"missing\",route=\"all\"} 1\n"));
}

TEST_F(KeptCursorsTest, CursorsOfLogsThatAreGoneAreTakenAway) {
  server_.cursors["/pods/gone"] = {"/pods/gone", 1, 1, {}};
  Write(10);
  Pass(seconds(2));
  EXPECT_EQ(server_.cursors.size(), 2u);
  std::filesystem::remove_all(root_ / "pods" / std::filesystem::path(kDirectory).parent_path());
  Pass(seconds(5));
  EXPECT_THAT(server_.forgotten, testing::ElementsAre(HasSubstr(kDirectory)));
  clock_.Advance(std::chrono::minutes(11));
  Pass(seconds(1));
  EXPECT_EQ(server_.cursors.size(), 0u);
}

TEST_F(KeptCursorsTest, WhateverHappensEachRecordIsStoredOnce) {
  std::mt19937 dice(20261121);
  for (int step = 0; step < 150; ++step) {
    switch (dice() % 8) {
      case 0:
        Start();
        break;
      case 1:
        if (dice() % 4 == 0) LoseState();
        break;
      case 2:
        Rotate();
        [[fallthrough]];
      case 3:
        Write(static_cast<int>(dice() % 200));
        break;
      case 4:
        server_.answers.push_back(dice() % 2 == 0 ? Server::Answer::kLost
                                                  : Server::Answer::kRefused);
        break;
      case 5:
        server_.down = dice() % 2 == 0;
        break;
      default:
        Pass(milliseconds(100 * (1 + dice() % 10)), /*housekeep=*/dice() % 2 == 0);
        Write(1);
    }
  }
  server_.down = false;
  server_.answers.clear();
  Pass(seconds(60));
  ExpectAllOnce();
}

}  // namespace
}  // namespace hinomi
