// What tests of the whole pipeline share: the agent step by step in one thread, over real files in
// a temporary directory, a clock that the test moves, and a sink that keeps what it is given. What
// needs threads and servers is in tests/integration.
#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/builtin.h"
#include "shipper/source/docker.h"
#include "shipper/source/kubernetes.h"
#include "shipper/worker.h"

namespace hinomi {

inline constexpr char kDirectory[] =
    "prod_web-7d9f8c6b5d-x2v4q_0b1c2d3e-0000-4000-8000-000000000001/main";

struct Received {
  std::string id;
  std::string message;
  uint64_t offset = 0;
  std::string text;  // of the document
};

/// What a server would make of an item of a bulk request; in pipeline_test.cc.
Received ReceivedOf(const std::string& item);

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
  void Keep(const std::string& item) {
    Received received = ReceivedOf(item);
    if (!ids.insert(received.id).second) {
      ++duplicates;
      return;
    }
    documents.push_back(received);
  }
};

/// Stands before a sink that outlives the pipelines.
class Forward final : public Sink {
 public:
  explicit Forward(Sink& sink) : sink_(sink) {}
  RecordFormat format() const override { return sink_.format(); }
  Attempt Deliver(Batch& batch, uint32_t lane, const std::stop_token& stop) override {
    return sink_.Deliver(batch, lane, stop);
  }

 private:
  Sink& sink_;
};

// The real one, but at its limit of descriptors, or without birth times, when told so.
class LimitedFileSystem final : public PosixFileSystem {
 public:
  Result<FileStat> Stat(const std::string& root, const std::string& relative) override {
    return Shown(PosixFileSystem::Stat(root, relative));
  }
  Result<std::unique_ptr<File>> Open(const std::string& root,
                                     const std::string& relative) override {
    if (exhausted) return IoError("open", relative, EMFILE);
    Result<std::unique_ptr<File>> file = PosixFileSystem::Open(root, relative);
    if (!file) return file;
    return std::unique_ptr<File>(std::make_unique<Opened>(*this, std::move(*file)));
  }
  bool exhausted = false;
  bool has_births = true;

 private:
  class Opened final : public File {
   public:
    Opened(const LimitedFileSystem& files, std::unique_ptr<File> file)
        : files_(files), file_(std::move(file)) {}
    Result<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
      return file_->ReadAt(offset, out, size);
    }
    Result<FileStat> Stat() override { return files_.Shown(file_->Stat()); }
    Result<void> LinkTo(const std::string& path) override { return file_->LinkTo(path); }

   private:
    const LimitedFileSystem& files_;
    const std::unique_ptr<File> file_;
  };

  Result<FileStat> Shown(Result<FileStat> stat) const {
    if (stat && !has_births) stat->birth = Duration{0};
    return stat;
  }
};

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest() {
    config_.host_root = root_.path();
    config_.node = "node-1";
    config_.escrow.free_percent_min = 0;  // however full this disk is
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
          dead_letters({.directory = test.root_ / "dead"}, {test.files_, test.clock_, metrics}),
          delivery({"keep", {"all"}, test.config_.sinks[0].batch_bytes, 1 << 20},
                   {test.sink_, dead_letters, test.clock_, metrics,
                    [this](const Batch& batch) { store.Settle(batch); }, [] {}}),
          worker(store, test.clock_, {test.config_.limits.record_bytes_max, test.config_.multiline},
                 Routes(test)) {
      const DirectorySource::Parts parts{store, test.files_, test.clock_, metrics};
      if (test.config_.kubernetes_enabled)
        sources.push_back(std::make_unique<KubernetesSource>(KubernetesSource::PodsOf(test.config_),
                                                             parts, nullptr));
      for (const std::string& root : test.config_.docker.roots)
        sources.push_back(std::make_unique<DockerSource>(test.config_, root, parts, nullptr));
      store.Restore(state);
    }
    void Sweep() {
      for (const auto& source : sources) source->Sweep();
    }
    void Housekeep() {
      store.EnforceEscrowLimits();
      store.Settle(store.FindLosses());
      saved = store.Snapshot();
      store.ReleaseSettled();
      store.Prune();
    }
    Worker::Routes Routes(PipelineTest& test) {
      SinkConfig sink = test.config_.sinks[0];
      sink.type = SinkType::kElasticsearch;
      return {Worker::Route{delivery, MakeEncoder(test.config_, sink, RecordFormat::kBulk),
                            sink.batch_bytes, sink.linger}};
    }
    static LogStoreOptions StoreOptions(const Config& config) {
      LogStoreOptions options;
      options.open_record_delay_max = config.limits.open_record_delay_max;
      options.quantum_bytes = 320 << 10;
      options.routes = config.routes;
      options.fairness = config.fairness;
      options.namespaces_max = config.limits.namespaces_max;
      options.multiline = config.multiline;
      options.lingers = {config.sinks[0].linger};
      if (!config.escrow.directory.empty())
        options.escrow_directory = config.host_root + config.escrow.directory;
      options.escrow_bytes_max = config.escrow.bytes_max;
      return options;
    }

    Metrics metrics;
    CheckpointState saved;
    LogStore store;
    DeadLetters dead_letters;
    Delivery delivery;
    Worker worker;
    std::vector<std::unique_ptr<DirectorySource>> sources;
  };

  // The checkpoint of an agent that has shipped `content`.
  CheckpointState StateAfter(const std::string& content) {
    Agent agent(*this);
    Write(content);
    Pass(agent);
    return agent.store.Snapshot();
  }

  // Lets `time` pass, in steps in which everything that can happen does.
  void Pass(Agent& agent, Duration time = std::chrono::seconds(1)) {
    const Duration until = clock_.Monotonic() + time;
    while (clock_.Monotonic() < until) {
      clock_.Advance(std::chrono::milliseconds(100));
      agent.Sweep();
      Work(agent);
      agent.Housekeep();
    }
  }
  void Work(Agent& agent) {
    agent.store.WaitForWork(Duration{0});
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
  Metrics metrics_;
  KeepingSink sink_;
  int written_ = 0;
};

}  // namespace hinomi
