// The pipeline from files to a sink, step by step in one thread: real files in a temporary
// directory, a clock that the test moves, and a sink that keeps what it is given. What needs
// threads and servers is in tests/integration.
#include <gmock/gmock.h>
#include <rapidjson/document.h>

#include <map>
#include <set>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/builtin.h"
#include "shipper/source/kubernetes.h"
#include "shipper/worker.h"

namespace hinomi {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kDirectory[] = "prod_web-7d9f8c6b5d-x2v4q_0b1c2d3e-0000-4000-8000-000000000001/main";

struct Received {
  std::string id;
  std::string message;
  uint64_t offset = 0;
};

// Stands for a server: keeps documents by id, as Elasticsearch's create does, unless told to fail.
class KeepingSink final : public Sink {
 public:
  RecordFormat format() const override { return RecordFormat::kBulk; }

  Attempt Deliver(Batch& batch, uint32_t, const std::stop_token&) override {
    if (dead) return {"connection refused", "connect", {}};
    batch_bytes_seen = std::max(batch_bytes_seen, batch.bytes.size());
    for (BatchRecord& record : batch.records) {
      record.outcome = Outcome::kAcknowledged;
      Keep(batch.bytes.substr(record.begin, record.end - record.begin));
    }
    return {};
  }

  bool dead = false;
  std::vector<Received> documents;  // in order of arrival
  std::set<std::string> ids;
  int duplicates = 0;
  size_t batch_bytes_seen = 0;

 private:
  void Keep(const std::string& text) {
    const size_t newline = text.find('\n');
    rapidjson::Document action;
    rapidjson::Document document;
    action.Parse(text.substr(0, newline).c_str());
    document.Parse(text.c_str() + newline + 1);
    ASSERT_FALSE(action.HasParseError() || document.HasParseError()) << text;
    Received received{action["create"]["_id"].GetString(), "",
                      document["log"]["offset"].GetUint64()};
    if (document.HasMember("message")) received.message = document["message"].GetString();
    if (!ids.insert(received.id).second) {
      ++duplicates;
      return;
    }
    documents.push_back(received);
  }
};

// The real one, but at its limit of descriptors when told so.
class LimitedFileSystem final : public PosixFileSystem {
 public:
  Result<std::unique_ptr<File>> Open(const std::string& root,
                                     const std::string& relative) override {
    if (exhausted) return IoError("open", relative, EMFILE);
    return PosixFileSystem::Open(root, relative);
  }
  bool exhausted = false;
};

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest() {
    config_.host_root = root_.path();
    config_.node = "node-1";
    config_.sinks.resize(1);
    config_.sinks[0].name = "keep";
    config_.sinks[0].batch_bytes = 64 << 10;
    config_.routes.resize(1);
    config_.routes[0].name = "all";
    config_.routes[0].sink = "keep";
    std::filesystem::create_directories(root_ / "var/log/pods");
  }

  // The agent without its threads. Making a new one is a restart: `state` is what its checkpoint
  // held.
  struct Agent {
    explicit Agent(PipelineTest& test, const CheckpointState& state = {})
        : store(StoreOptions(test.config_), test.files_, test.clock_, metrics),
          dead_letters({.directory = test.root_ / "dead"}, test.clock_, metrics),
          delivery({"keep", {"all"}, test.config_.sinks[0].batch_bytes, 1 << 20},
                   {test.sink_, dead_letters, test.clock_, metrics,
                    [this](const Batch& batch) { store.Settle(batch); }, [] {}}),
          worker(store, test.clock_, test.config_.limits.record_bytes_max, Routes(test)),
          source(test.config_, {store, test.files_, test.clock_, metrics}, nullptr) {
      store.Restore(state);
    }
    std::vector<Worker::Route> Routes(PipelineTest& test) {
      SinkConfig sink = test.config_.sinks[0];
      sink.type = SinkType::kElasticsearch;
      return {{delivery, MakeEncoder(test.config_, sink, RecordFormat::kBulk), sink.batch_bytes,
               sink.linger}};
    }
    static LogStoreOptions StoreOptions(const Config& config) {
      LogStoreOptions options;
      options.open_record_delay_max = config.limits.open_record_delay_max;
      options.quantum_bytes = 320 << 10;
      options.routes = config.routes;
      options.lingers = {config.sinks[0].linger};
      return options;
    }

    Metrics metrics;
    LogStore store;
    DeadLetters dead_letters;
    Delivery delivery;
    Worker worker;
    KubernetesSource source;
  };

  // Lets `time` pass, in steps in which everything that can happen does.
  void Pass(Agent& agent, Duration time = std::chrono::seconds(1)) {
    const Duration until = clock_.Monotonic() + time;
    while (clock_.Monotonic() < until) {
      clock_.Advance(std::chrono::milliseconds(100));
      agent.source.Sweep();
      Work(agent);
    }
  }
  void Work(Agent& agent) {
    for (int i = 0; i < 10000 && agent.worker.Step(0); ++i) Deliver(agent);
    Deliver(agent);
  }
  void Deliver(Agent& agent) {
    Duration wait{0};
    while (std::unique_ptr<Batch> batch = agent.delivery.Take(&wait)) {
      batch->pending_before = static_cast<uint32_t>(batch->records.size());
      const Attempt attempt = sink_.Deliver(*batch, 0, {});
      agent.delivery.Complete(std::move(batch), attempt);
    }
  }

  // A CRI line with a time of its own.
  std::string Line(const std::string& body, const char* tag = "F", const char* stream = "stdout") {
    char time[64];
    ++written_;
    std::snprintf(time, sizeof time, "2026-11-21T02:26:54.%09dZ", written_);
    return std::string(time) + " " + stream + " " + tag + " " + body + "\n";
  }
  std::string Lines(int first, int count) {
    std::string lines;
    for (int i = first; i < first + count; ++i) lines += Line("n=" + std::to_string(i));
    return lines;
  }
  void Write(const std::string& content, const std::string& name = "0.log") {
    root_.Append(std::string("var/log/pods/") + kDirectory + "/" + name, content);
  }
  std::string PathOf(const std::string& name) const {
    return root_ / (std::string("var/log/pods/") + kDirectory + "/" + name);
  }
  void Rotate(const std::string& suffix) {
    std::filesystem::rename(PathOf("0.log"), PathOf("0.log." + suffix));
  }
  std::vector<std::string> Messages() const {
    std::vector<std::string> messages;
    for (const Received& document : sink_.documents) messages.push_back(document.message);
    return messages;
  }
  void ExpectLines(int first, int count) {
    std::vector<std::string> want;
    for (int i = first; i < first + count; ++i) want.push_back("n=" + std::to_string(i));
    EXPECT_EQ(Messages(), want);
  }

  TemporaryDirectory root_;
  Config config_;
  LimitedFileSystem files_;
  ManualClock clock_;
  KeepingSink sink_;
  int written_ = 0;
};

TEST_F(PipelineTest, ShipsLinesOnceAndInOrder) {
  Agent agent(*this);
  Write(Lines(0, 3));
  Pass(agent);
  ExpectLines(0, 3);
  EXPECT_EQ(sink_.documents[0].offset, 0u);
  Write(Lines(3, 2000));
  Pass(agent);
  ExpectLines(0, 2003);
  EXPECT_EQ(sink_.duplicates, 0);
  EXPECT_LE(sink_.batch_bytes_seen, config_.sinks[0].batch_bytes);
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_log_lines_total{namespace=\"prod\"} 2003"));
  EXPECT_THAT(agent.metrics.Expose(),
              HasSubstr("hinomi_route_pending_bytes{route=\"all\",sink=\"keep\"} 0"));
}

TEST_F(PipelineTest, FinishesARotatedFileBeforeItsSuccessor) {
  Agent agent(*this);
  Write(Lines(0, 10));
  Pass(agent);
  Write(Lines(10, 5));
  Rotate("20261121-022645");
  Write(Lines(20, 5));
  Write(Lines(15, 5), "0.log.20261121-022645");  // the writer's last lines, after the rename
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 25);
}

TEST_F(PipelineTest, WaitsForTheLastLinesOfARotatedFile) {
  Agent agent(*this);
  Write(Lines(0, 10));
  Pass(agent);
  Rotate("20261121-022645");
  Write(Lines(15, 5));
  Pass(agent, std::chrono::milliseconds(400));
  Write(Lines(10, 5), "0.log.20261121-022645");
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 20);
}

TEST_F(PipelineTest, FollowsTwoRotationsBetweenLooks) {
  Agent agent(*this);
  Write(Lines(0, 10));
  Pass(agent);
  Rotate("20261121-022645");
  Write(Lines(10, 10));
  Rotate("20261121-022654");
  Write(Lines(20, 10));
  Pass(agent, std::chrono::seconds(3));
  ExpectLines(0, 30);
}

TEST_F(PipelineTest, FollowsManyRotationsOfALogThatNobodyTakes) {
  Agent agent(*this);
  sink_.dead = true;
  for (int i = 0; i < 40; ++i) {
    Write(Lines(10 * i, 10));
    Pass(agent, std::chrono::milliseconds(300));
    Rotate("20261121-0226" + std::to_string(10 + i));
    std::filesystem::remove(PathOf("0.log.20261121-0226" + std::to_string(10 + i)));
  }
  Write(Lines(400, 10));
  Pass(agent);
  sink_.dead = false;
  Pass(agent, std::chrono::seconds(20));
  ExpectLines(0, 410);
  agent.store.Prune();
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_segments_open 1\n"));
}

TEST_F(PipelineTest, ReadsADeletedFileToItsEnd) {
  Agent agent(*this);
  Write(Lines(0, 10));
  agent.source.Sweep();
  std::filesystem::remove_all(root_ / "var/log/pods" /
                              std::filesystem::path(kDirectory).parent_path());
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 10);
  agent.store.Prune();
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_logs 0"));
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_segments_open 0"));
}

TEST_F(PipelineTest, JoinsARecordOverARotation) {
  Agent agent(*this);
  Write(Line("first half,", "P"));
  Pass(agent);
  EXPECT_THAT(Messages(), IsEmpty());
  Rotate("20261121-022645");
  Write(Line(" second half"));
  Pass(agent, std::chrono::seconds(2));
  EXPECT_THAT(Messages(), ElementsAre("first half, second half"));
}

TEST_F(PipelineTest, ClosesARecordThatStaysOpen) {
  Agent agent(*this);
  Write(Line("done") + Line("partial", "P"));
  Pass(agent, std::chrono::seconds(4));
  EXPECT_THAT(Messages(), ElementsAre("done"));
  Pass(agent, std::chrono::seconds(4));
  EXPECT_THAT(Messages(), ElementsAre("done", "partial"));
  Write(Line("more"));
  Pass(agent);
  EXPECT_THAT(Messages(), ElementsAre("done", "partial", "more"));
}

TEST_F(PipelineTest, GoesOnAfterARestart) {
  CheckpointState state;
  {
    Agent agent(*this);
    Write(Lines(0, 10));
    Pass(agent);
    state = agent.store.Snapshot();
  }
  Write(Lines(10, 5));
  Rotate("20261121-022645");
  Write(Lines(15, 5));
  Agent agent(*this, state);
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 20);
  EXPECT_EQ(sink_.duplicates, 0);
}

TEST_F(PipelineTest, SendsTheSameIdsWhenTheCheckpointIsLost) {
  Write(Lines(0, 10));
  {
    Agent agent(*this);
    Pass(agent);
  }
  Rotate("20261121-022645");
  Agent agent(*this);
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 10);
  EXPECT_EQ(sink_.duplicates, 10);
}

TEST_F(PipelineTest, CountsWhatVanishedWhileItWasDown) {
  CheckpointState state;
  {
    Agent agent(*this);
    Write(Lines(0, 10));
    Pass(agent);
    state = agent.store.Snapshot();
    state.logs[0].segments[0].size += 100;  // as if the agent had seen more than it had settled
  }
  std::filesystem::remove(PathOf("0.log"));
  Write(Lines(10, 5));
  Agent agent(*this, state);
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 15);
  EXPECT_THAT(agent.metrics.Expose(),
              HasSubstr("hinomi_log_bytes_lost_total{reason=\"vanished\"} 100"));
}

TEST_F(PipelineTest, DoesNotTakeForLostWhatItCannotOpen) {
  CheckpointState state;
  {
    Agent agent(*this);
    Write(Lines(0, 10));
    Pass(agent);
    state = agent.store.Snapshot();
  }
  Write(Lines(10, 5));
  Agent agent(*this, state);
  files_.exhausted = true;
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 10);
  files_.exhausted = false;
  Pass(agent);
  ExpectLines(0, 15);
  EXPECT_EQ(sink_.duplicates, 0);
  EXPECT_THAT(agent.metrics.Expose(),
              HasSubstr("hinomi_log_bytes_lost_total{reason=\"vanished\"} 0"));
}

TEST_F(PipelineTest, ReadsAgainWhatItForgotForADeadSink) {
  Agent agent(*this);
  Write(Lines(0, 5000));
  sink_.dead = true;
  Pass(agent, std::chrono::seconds(40));
  EXPECT_THAT(Messages(), IsEmpty());
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_sink_up{sink=\"keep\"} 0"));
  Write(Lines(5000, 100));
  Pass(agent, std::chrono::seconds(10));
  sink_.dead = false;
  Pass(agent, std::chrono::seconds(15));
  ExpectLines(0, 5100);
  EXPECT_EQ(sink_.duplicates, 0);
}

TEST_F(PipelineTest, TakesATruncatedFileForANewOne) {
  Agent agent(*this);
  Write(Lines(0, 10));
  Pass(agent);
  std::filesystem::resize_file(PathOf("0.log"), 0);
  Pass(agent);
  Write(Lines(10, 5));
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 15);
  // Cut and written to between two looks, and nobody looks at the directory again.
  std::filesystem::resize_file(PathOf("0.log"), 0);
  Write(Lines(15, 1));
  agent.store.Touch(kDirectory, 0);
  clock_.Advance(std::chrono::seconds(1));
  Work(agent);
  ExpectLines(0, 16);
}

TEST_F(PipelineTest, SaysWhatWasWrittenLongAfterARotation) {
  Agent agent(*this);
  Write(Lines(0, 5));
  Pass(agent);
  Rotate("20261121-022645");
  Write(Lines(5, 5));
  Pass(agent, std::chrono::seconds(5));
  Write(std::string(100, 'x'), "0.log.20261121-022645");
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 10);
  EXPECT_THAT(agent.metrics.Expose(),
              HasSubstr("hinomi_log_bytes_lost_total{reason=\"late\"} 100"));
}

TEST_F(PipelineTest, LeavesOutWhatIsOlderThanSince) {
  config_.kubernetes.since = std::chrono::hours(24);
  Write(Lines(0, 10));
  // The manual clock stands in 2026-11; a file of 2001 is older than a day.
  using FileClock = std::filesystem::file_time_type::clock;
  constexpr std::chrono::sys_seconds k2001(std::chrono::seconds(978307200));
  std::filesystem::last_write_time(PathOf("0.log"), FileClock::from_sys(k2001));
  Agent agent(*this);
  Pass(agent);
  EXPECT_THAT(Messages(), IsEmpty());
  EXPECT_THAT(agent.metrics.Expose(),
              HasSubstr("hinomi_log_bytes_dropped_total{reason=\"before_since\"}"));
  Write(Lines(10, 5));
  Pass(agent);
  ExpectLines(10, 5);
}

TEST_F(PipelineTest, CountsGarbageAndGoesOn) {
  Agent agent(*this);
  Write("no CRI line at all\n\n" + Lines(0, 2) + std::string("\0\xff\n", 3) + Lines(2, 2) +
        "and at the end\n");
  Pass(agent);
  ExpectLines(0, 4);
  const std::string metrics = agent.metrics.Expose();
  EXPECT_THAT(metrics, HasSubstr("outcome=\"corrupt\",route=\"all\",sink=\"keep\"} 4"));
  EXPECT_THAT(metrics, HasSubstr("hinomi_route_pending_bytes{route=\"all\",sink=\"keep\"} 0"));
}

TEST_F(PipelineTest, ShipsALineOfSixteenMebibytesInPieces) {
  Agent agent(*this);
  Write(Line("before") + Line(std::string(16 << 20, 'x')) + Line("after"));
  Pass(agent, std::chrono::seconds(8));
  const std::vector<std::string> messages = Messages();
  ASSERT_GE(messages.size(), 3u);
  EXPECT_EQ(messages.front(), "before");
  EXPECT_EQ(messages.back(), "after");
  size_t total = 0;
  for (size_t i = 1; i + 1 < messages.size(); ++i) total += messages[i].size();
  EXPECT_EQ(total, 16u << 20);
}

TEST_F(PipelineTest, RefusesLinksThatLeadOutside) {
  root_.Append("etc/shadow", Lines(0, 3));
  std::filesystem::create_directories(std::filesystem::path(PathOf("0.log")).parent_path());
  std::filesystem::create_symlink(root_ / "etc/shadow", PathOf("0.log"));
  std::filesystem::create_symlink("/etc/shadow", PathOf("1.log"));
  Agent agent(*this);
  Pass(agent, std::chrono::seconds(2));
  EXPECT_THAT(Messages(), IsEmpty());
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_log_links_refused_total 2"));
}

TEST_F(PipelineTest, TellsContainersOfOnePodApart) {
  Agent agent(*this);
  Write(Lines(0, 2), "0.log");
  Write(Lines(2, 2), "1.log");
  Pass(agent);
  EXPECT_EQ(sink_.documents.size(), 4u);
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_logs 2"));
}

}  // namespace
}  // namespace hinomi
