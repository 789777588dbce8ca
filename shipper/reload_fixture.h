// A pipeline that gets other configurations while it runs, step by step in one thread, with a
// server for each name of a sink that outlives it.
#pragma once

#include <map>

#include "shipper/pipeline.h"
#include "shipper/pipeline_fixture.h"

namespace hinomi {

inline SinkConfig SinkNamed(const std::string& name) {
  SinkConfig sink;
  sink.name = name;
  sink.batch_bytes = 4 << 10;
  return sink;
}

inline RouteConfig RouteTo(const std::string& name, const std::string& sink) {
  RouteConfig route;
  route.name = name;
  route.sink = sink;
  return route;
}

class ReloadTest : public PipelineTest {
 protected:
  ReloadTest() {
    config_.state_dir = root_ / "state";
    std::filesystem::create_directories(config_.state_dir);
    config_.sinks = {SinkNamed("a"), SinkNamed("b")};
    config_.routes = {RouteTo("all", "a")};
    Start();
  }

  void Start() {
    agent_.reset();
    agent_metrics_ = std::make_unique<Metrics>();
    agent_ = std::make_unique<Pipeline>(
        config_, "",
        Pipeline::Parts{.files = files_,
                        .clock = clock_,
                        .metrics = *agent_metrics_,
                        .make_sink =
                            [this](const SinkConfig& sink, const SinkSurroundings&) {
                              ++made_[sink.name];
                              return std::make_unique<Forward>(servers_[sink.name]);
                            },
                        .make_watcher = [] { return nullptr; }});
  }
  void Reload() {
    const auto leaving = agent_->BeginReload(config_);
    EXPECT_TRUE(agent_->Withdrawn(leaving));
    agent_->FinishReload(config_);
  }
  void Pass(Duration time = std::chrono::seconds(2)) {
    for (const Duration until = clock_.Monotonic() + time; clock_.Monotonic() < until;) {
      clock_.Advance(std::chrono::milliseconds(100));
      for (const auto& source : agent_->sources()) source->Sweep();
      Work();
      agent_->Housekeep();
    }
  }
  void Work() {
    agent_->store().WaitForWork(Duration{0});
    const auto routes = static_cast<uint32_t>(agent_->store().routes().size());
    for (uint32_t route = 0; route < routes; ++route) {
      for (int i = 0; i < 1000 && agent_->worker().Step(route); ++i) Deliver();
    }
    Deliver();
  }
  void Deliver() {
    for (const auto& outlet : agent_->outlets()) {
      while (Taken taken = Take(outlet)) taken.Complete();
    }
  }
  /// A batch on its way.
  struct Taken {
    std::shared_ptr<Outlet> outlet;
    std::unique_ptr<Batch> batch;
    explicit operator bool() const { return batch != nullptr; }
    void Complete() {
      const Attempt attempt = outlet->sink->Deliver(*batch, 0, {});
      outlet->delivery->Complete(std::move(batch), attempt);
    }
  };
  static Taken Take(const std::shared_ptr<Outlet>& outlet) {
    Duration wait{0};
    Taken taken{outlet, outlet->delivery->Take(&wait)};
    if (taken) taken.batch->pending_before = static_cast<uint32_t>(taken.batch->records.size());
    return taken;
  }
  /// A batch of three lines that the first sink has been given.
  Taken OnItsWay() {
    Write(Lines(0, 3));
    clock_.Advance(std::chrono::seconds(1));
    agent_->sources()[0]->Sweep();
    clock_.Advance(std::chrono::seconds(1));
    agent_->store().WaitForWork(Duration{0});
    while (agent_->worker().Step(0)) continue;
    return Take(agent_->outlets()[0]);
  }
  /// Of all logs of a route, those that are gone too.
  LedgerEntry SumOf(const std::string& route) const {
    LedgerEntry sum;
    for (const LedgerEntry& entry : agent_->store().TakeLedger().entries) {
      EXPECT_EQ(entry.imbalance, 0) << entry.route;
      if (entry.route != route) continue;
      sum.produced += entry.produced;
      sum.settled += entry.settled;
    }
    return sum;
  }
  uint64_t RemovedOf(const std::string& route) const {
    return SumOf(route).settled.dropped[static_cast<size_t>(DropReason::kRouteRemoved)];
  }
  std::vector<std::string> MessagesOf(const std::string& sink) {
    std::vector<std::string> messages;
    for (const Received& document : servers_[sink].documents) messages.push_back(document.message);
    return messages;
  }
  int Escrowed() const {
    int files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(
             config_.host_root + config_.escrow.directory)) {
      files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
  }

  std::map<std::string, KeepingSink> servers_;
  std::map<std::string, int> made_;  // how often
  std::unique_ptr<Metrics> agent_metrics_;
  std::unique_ptr<Pipeline> agent_;
};

}  // namespace hinomi
