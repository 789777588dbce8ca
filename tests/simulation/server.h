// What stands for a sink's server: it outlives the agent, keeps what it is given, and fails in
// every way that a server can. Each life of the agent talks to it through a SimulatedSink.
#pragma once

#include <string>
#include <vector>

#include "shipper/sink.h"
#include "tests/simulation/model.h"
#include "tests/simulation/random.h"

namespace hinomi::simulation {

/// In percent of the attempts.
struct ServerHabits {
  uint32_t lanes = 1;
  bool has_ids = true;        // documents come with an id, as Elasticsearch's do
  uint64_t fails = 0;         // takes nothing
  uint64_t forgets = 0;       // takes all and does not say so
  uint64_t answers_half = 0;  // decides on some records only
  uint64_t dies = 0;          // takes nothing for a long while
  std::string refused_word;   // documents with it are refused for ever; empty: none
};

class Server {
 public:
  Server(ServerHabits habits, Model& model, Random& random)
      : habits_(std::move(habits)),
        keeps_order_(habits_.lanes == 1 && habits_.answers_half == 0),
        model_(model),
        random_(random) {}

  const ServerHabits& habits() const { return habits_; }
  Attempt Deliver(Batch& batch, const std::string& route, Duration now);
  /// From now on it only does its duty.
  void Heal();
  std::string last_answer;  // for the trace

 private:
  ServerHabits habits_;
  const bool keeps_order_;
  Model& model_;
  Random& random_;
  Duration dead_until_{0};
};

class SimulatedSink final : public Sink {
 public:
  /// `routes`: their names by index, which a reload adds to.
  SimulatedSink(Server& server, const std::vector<std::string>& routes, const Clock& clock)
      : server_(server), routes_(routes), clock_(clock) {}
  RecordFormat format() const override {
    return server_.habits().has_ids ? RecordFormat::kBulk : RecordFormat::kJson;
  }
  Attempt Deliver(Batch& batch, uint32_t, const std::stop_token&) override {
    return server_.Deliver(batch, routes_[batch.route], clock_.Monotonic());
  }
  uint32_t concurrency() const override { return server_.habits().lanes; }

 private:
  Server& server_;
  const std::vector<std::string>& routes_;
  const Clock& clock_;
};

}  // namespace hinomi::simulation
