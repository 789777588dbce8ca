// Events through the whole pipeline: what it notices becomes a line, and the line is shipped by the
// routes of the container that it is about.
#include <gmock/gmock.h>
#include <rapidjson/document.h>

#include <filesystem>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/event_fixture.h"
#include "shipper/pipeline.h"

namespace hinomi {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kDirectory[] = "prod_web-0_0b1c2d3e-0000-4000-8000-000000000001/main";

// Keeps documents by their id.
class Server {
 public:
  void Take(const std::string& item) { documents_.insert({item.substr(0, item.find('\n')), item}); }
  /// Those that are events, or those that are not.
  std::vector<std::string> Documents(bool events) const {
    std::vector<std::string> found;
    for (const auto& [id, item] : documents_) {
      const std::string document = item.substr(item.find('\n') + 1);
      if (document.find("\"hinomi\":{\"event\"") == std::string::npos ? !events : events) {
        found.push_back(document);
      }
    }
    return found;
  }
  bool dead = false;

 private:
  std::map<std::string, std::string> documents_;
};

class ServerSink final : public Sink {
 public:
  explicit ServerSink(Server& server) : server_(server) {}
  RecordFormat format() const override { return RecordFormat::kBulk; }
  Attempt Deliver(Batch& batch, uint32_t, const std::stop_token&) override {
    if (server_.dead) return {"connection refused", "connect", {}};
    for (BatchRecord& record : batch.records) {
      record.outcome = Outcome::kAcknowledged;
      server_.Take(batch.bytes.substr(record.begin, record.end - record.begin));
    }
    return {};
  }

 private:
  Server& server_;
};

class EventPipelineTest : public ::testing::Test {
 protected:
  EventPipelineTest() {
    config_.host_root = root_.path();
    config_.state_dir = root_ / "state";
    config_.node = "node-1";
    config_.escrow.free_percent_min = 0;
    config_.kubernetes.pods_dir = "/pods";
    for (const char* name : {"logs", "events"}) {
      SinkConfig& sink = config_.sinks.emplace_back();
      sink.name = name;
      sink.type = SinkType::kElasticsearch;
      sink.batch_bytes = 64 << 10;
      config_.routes.push_back({.name = name, .match = {}, .sink = name});
    }
    config_.routes[0].events = TakeEvents::kExclude;
    config_.routes[1].events = TakeEvents::kOnly;
    std::filesystem::create_directories(root_ / "pods");
  }

  /// One life of the agent, in one thread.
  struct Agent {
    explicit Agent(EventPipelineTest& test)
        : events({.directory = test.config_.state_dir + "/events", .agent = AgentAsPod("")},
                 {test.files_, test.clock_, metrics}),
          opened(events.Open()),
          pipeline(
              test.config_, "",
              {.files = test.files_,
               .clock = test.clock_,
               .metrics = metrics,
               .make_sink =
                   [&test, made = size_t{0}](const SinkConfig&, const SinkSurroundings&) mutable {
                     return std::make_unique<ServerSink>(test.servers_[made++]);
                   },
               .make_watcher = [] { return nullptr; },
               .events = &events}) {}
    Metrics metrics;
    EventLog events;
    Result<void> opened;
    Pipeline pipeline;
  };

  void Pass(Agent& agent, Duration time = seconds(3)) {
    for (const Duration until = clock_.Monotonic() + time; clock_.Monotonic() < until;) {
      clock_.Advance(milliseconds(250));
      for (const auto& source : agent.pipeline.sources()) source->Sweep();
      agent.pipeline.store().WaitForWork(Duration{0});
      for (uint32_t route = 0; route < config_.routes.size(); ++route) {
        for (int i = 0; i < 1000 && agent.pipeline.worker().Step(route); ++i) Deliver(agent);
      }
      Deliver(agent);
      agent.pipeline.Housekeep();
    }
  }
  void Deliver(Agent& agent) {
    for (size_t i = 0; i < config_.sinks.size(); ++i) {
      Delivery& delivery = *agent.pipeline.outlets()[i]->delivery;
      Duration wait{0};
      while (std::unique_ptr<Batch> batch = delivery.Take(&wait)) {
        batch->pending_before = static_cast<uint32_t>(batch->records.size());
        const Attempt attempt = agent.pipeline.outlets()[i]->sink->Deliver(*batch, 0, {});
        delivery.Complete(std::move(batch), attempt);
      }
    }
  }

  void Write(const std::string& body) {
    char time[64];
    std::snprintf(time, sizeof time, "2026-11-21T02:26:54.%09dZ", ++written_);
    root_.Append(std::string("pods/") + kDirectory + "/0.log",
                 std::string(time) + " stdout F " + body + "\n");
  }
  std::string LogPath() const { return root_ / (std::string("pods/") + kDirectory + "/0.log"); }
  /// The log is cut off before it was read.
  void LoseLines(Agent& agent) {
    servers_[0].dead = true;
    Write("read");
    Pass(agent, seconds(40));  // the sink sheds: nothing is read any more
    for (int i = 0; i < 10; ++i) Write("lost");
    Pass(agent);
    std::filesystem::resize_file(LogPath(), 0);
    Write("after");
    Pass(agent);
    servers_[0].dead = false;
  }
  static rapidjson::Document Parsed(const std::string& document) {
    rapidjson::Document parsed;
    parsed.Parse(document.c_str());
    EXPECT_FALSE(parsed.HasParseError()) << document;
    return parsed;
  }
  /// The documents of events with this action.
  std::vector<rapidjson::Document> Events(const std::string& action) {
    std::vector<rapidjson::Document> found;
    for (const std::string& text : servers_[1].Documents(/*events=*/true)) {
      rapidjson::Document document = Parsed(text);
      if (action == document["hinomi"]["event"]["action"].GetString()) {
        found.push_back(std::move(document));
      }
    }
    return found;
  }
  static uint64_t LostBytes(Agent& agent) {
    uint64_t lost = 0;
    for (const LedgerEntry& entry : agent.pipeline.store().TakeLedger().entries) {
      EXPECT_EQ(entry.imbalance, 0);
      lost += entry.settled.LostTotal();
    }
    return lost;
  }

  TemporaryDirectory root_;
  Config config_;
  FullFileSystem files_;
  ManualClock clock_;
  std::array<Server, 2> servers_;
  int written_ = 0;
};

TEST_F(EventPipelineTest, ALossIsToldOnTheContainersRoutes) {
  Agent agent(*this);
  LoseLines(agent);
  Pass(agent, seconds(20));
  const auto records = Events("bytes-lost");
  ASSERT_THAT(records, SizeIs(1));
  const rapidjson::Value& event = records[0]["hinomi"]["event"];
  EXPECT_GT(LostBytes(agent), 0u);
  EXPECT_EQ(event["bytes"].GetUint64(), LostBytes(agent));
  EXPECT_EQ(event["end"].GetUint64() - event["begin"].GetUint64(), LostBytes(agent));
  EXPECT_STREQ(event["reason"].GetString(), "truncated");
  EXPECT_STREQ(event["route"].GetString(), "logs");
  EXPECT_EQ(event["log"].GetString(), std::string("/pods/") + kDirectory + "/0.log");
  const rapidjson::Value& kubernetes = records[0]["kubernetes"];
  EXPECT_STREQ(kubernetes["pod"]["name"].GetString(), "web-0");
  EXPECT_STREQ(kubernetes["container"]["name"].GetString(), "main");
  EXPECT_EQ(MetricOf(agent.metrics, "hinomi_gap_records_missing_total"), 0);
}

TEST_F(EventPipelineTest, ARouteTakesEventsOnlyAndAnotherNone) {
  Agent agent(*this);
  Write("a");
  agent.events.Append({EventAction::kSinkUp, "b", {}});
  Pass(agent);
  EXPECT_THAT(servers_[0].Documents(/*events=*/true), IsEmpty());
  EXPECT_THAT(servers_[0].Documents(/*events=*/false), SizeIs(1));
  EXPECT_THAT(servers_[1].Documents(/*events=*/true), SizeIs(1));
  EXPECT_THAT(servers_[1].Documents(/*events=*/false), IsEmpty());
}

TEST_F(EventPipelineTest, ALossWaitsForItsRecord) {
  Agent agent(*this);
  files_.full = true;
  LoseLines(agent);
  Pass(agent, seconds(40));
  EXPECT_EQ(LostBytes(agent), 0u);
  files_.full = false;
  Pass(agent, seconds(20));
  EXPECT_GT(LostBytes(agent), 0u);
  EXPECT_THAT(Events("bytes-lost"), SizeIs(1));
  EXPECT_EQ(MetricOf(agent.metrics, "hinomi_gap_records_missing_total"), 0);
}

TEST_F(EventPipelineTest, ALossDoesNotWaitForeverForItsRecord) {
  Agent agent(*this);
  files_.full = true;
  LoseLines(agent);
  Pass(agent, seconds(70));
  EXPECT_GT(LostBytes(agent), 0u);
  EXPECT_EQ(MetricOf(agent.metrics, "hinomi_gap_records_missing_total"), 1);
  files_.full = false;
  Pass(agent, seconds(20));
  EXPECT_THAT(Events("bytes-lost"), IsEmpty());
}

TEST_F(EventPipelineTest, WhatIsLostOfEventsHasNoRecord) {
  Agent agent(*this);
  servers_[1].dead = true;
  agent.events.Append({EventAction::kSinkUp, "a", {}});
  Pass(agent, seconds(40));
  agent.events.Append({EventAction::kSinkUp, "b", {}});
  Pass(agent);
  const std::string path = root_ / "state/events/hinomi_agent_agent/hinomi/0.log";
  std::filesystem::resize_file(path, 0);
  Pass(agent);
  servers_[1].dead = false;
  Pass(agent, seconds(20));
  EXPECT_GT(LostBytes(agent), 0u);
  EXPECT_EQ(MetricOf(agent.metrics, "hinomi_events_total{action=\"bytes-lost\"}"), 0);
}

TEST_F(EventPipelineTest, EventsSurviveARestartAndComeOnce) {
  std::string before;
  {
    Agent agent(*this);
    servers_[1].dead = true;
    agent.events.Append({EventAction::kSinkUp, "a", {}});
    Pass(agent);
  }
  servers_[1].dead = false;
  {
    Agent agent(*this);
    Pass(agent, seconds(10));
    ASSERT_THAT(Events("sink-up"), SizeIs(1));
    EXPECT_EQ(MetricOf(agent.metrics, "hinomi_escrow_up"), 1);
  }
  Agent agent(*this);
  Pass(agent, seconds(10));
  EXPECT_THAT(Events("sink-up"), SizeIs(1));
  EXPECT_EQ(MetricOf(agent.metrics, "hinomi_sink_batches_total{sink=\"events\"}"), 0);
  // They are the agent's own: nothing of them is held.
  for (const std::string& held : FilesBelow(root_ / "var/log/hinomi/escrow")) {
    EXPECT_EQ(held.find("events"), std::string::npos) << held;
  }
}

TEST_F(EventPipelineTest, ASinkGoesDownAndComesBack) {
  Agent agent(*this);
  servers_[0].dead = true;
  Write("a");
  Pass(agent, seconds(30));
  ASSERT_THAT(Events("sink-down"), SizeIs(1));
  const auto down = Events("sink-down");
  EXPECT_STREQ(down[0]["hinomi"]["event"]["sink"].GetString(), "logs");
  EXPECT_STREQ(down[0]["hinomi"]["event"]["reason"].GetString(), "connection refused");
  EXPECT_THAT(Events("sink-up"), IsEmpty());
  servers_[0].dead = false;
  Pass(agent, seconds(20));
  const auto up = Events("sink-up");
  ASSERT_THAT(up, SizeIs(1));
  EXPECT_NEAR(up[0]["hinomi"]["event"]["down_milliseconds"].GetInt(), 35'000, 8'000);
}

TEST_F(EventPipelineTest, AContainerDiesWithItsLastLines) {
  Agent agent(*this);
  for (int i = 0; i < 20; ++i) Write("line " + std::to_string(i));
  Pass(agent);
  // The last of them are written when nobody has looked at the file again yet.
  for (int i = 20; i < 30; ++i) Write("line " + std::to_string(i));
  PodMetadata pod;
  pod.uid = "0b1c2d3e-0000-4000-8000-000000000001";
  pod.namespace_name = "prod";
  pod.name = "web-0";
  ContainerMetadata container;
  container.name = "main";
  container.state = ContainerState::kExited;
  container.exit_code = 137;
  container.reason = "OOMKilled";
  container.finished = seconds(1'795'000'012);
  container.started = seconds(1'795'000'000);
  agent.pipeline.ContainerExited(pod, container);
  container.exit_code = 0;
  container.reason = "Completed";
  container.attempt = 1;
  agent.pipeline.ContainerExited(pod, container);
  Pass(agent);
  const auto died = Events("container-died");
  ASSERT_THAT(died, SizeIs(1));
  const rapidjson::Value& event = died[0]["hinomi"]["event"];
  EXPECT_STREQ(died[0]["message"].GetString(),
               "ended with exit code 137 (OOMKilled), 12 s after its start");
  EXPECT_STREQ(died[0]["@timestamp"].GetString(), "2026-11-18T11:06:52.000000000Z");
  EXPECT_EQ(event["exit_code"].GetInt(), 137);
  ASSERT_EQ(event["last_lines"].Size(), 20u);
  EXPECT_STREQ(event["last_lines"][0].GetString(), "line 10");
  EXPECT_STREQ(event["last_lines"][19].GetString(), "line 29");
  const auto completed = Events("container-completed");
  ASSERT_THAT(completed, SizeIs(1));
  EXPECT_FALSE(completed[0]["hinomi"]["event"].HasMember("last_lines"));
}

TEST_F(EventPipelineTest, AFullEscrowIsTold) {
  config_.escrow.bytes_max = 1;
  Agent agent(*this);
  servers_[0].dead = true;
  Write("a");
  Pass(agent, seconds(40));
  for (int i = 0; i < 10; ++i) Write("given up");
  Pass(agent);
  std::filesystem::remove(LogPath());
  Pass(agent, seconds(60));
  servers_[0].dead = false;
  Pass(agent, seconds(30));
  EXPECT_THAT(Events("escrow-full"), SizeIs(1));
  const auto records = Events("bytes-lost");
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_STREQ(records[0]["hinomi"]["event"]["reason"].GetString(), "escrow_full");
  EXPECT_EQ(records[0]["hinomi"]["event"]["bytes"].GetUint64(), LostBytes(agent));
}

}  // namespace
}  // namespace hinomi
