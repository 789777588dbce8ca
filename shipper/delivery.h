// Brings the batches of one sink to it: holds them until every record is settled, retries, backs
// off, keeps one probe when the sink is dead, writes dead letters. Knows nothing of files.
//
// Batches of routes with high priority are sent first, and have room for one of them that nobody
// else uses.
//
// The state machine (Take, Complete) takes no time and starts no thread; RunLane is the loop around
// it.
//
//   healthy ──nothing of an attempt was accepted──▶ failing ──30 s──▶ shedding: one probe, the rest
//   is forgotten
//      ▲──────────────────anything accepted─────────────┴─────────────────┘
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "shipper/request_limit.h"
#include "shipper/sink.h"
#include "shipper/sink/dead_letters.h"
#include "shipper/status.h"

namespace hinomi {

class Delivery {
 public:
  struct Options {
    std::string sink_name;
    std::vector<std::string> route_names;  // by route index; empty where it is another sink's
    uint64_t batch_bytes = 0;
    uint64_t in_flight_bytes_max = 0;
    std::vector<uint32_t> kept_routes = {};  // whose cursors the sink keeps
    std::vector<uint32_t> high_routes = {};  // which go before the others
  };
  struct Parts {
    Sink& sink;
    DeadLetters& dead_letters;
    const Clock& clock;
    Metrics& metrics;
    std::function<void(const Batch&)> settle;  // every record of the batch has its outcome
    std::function<void()> room;                // there is room again for NewBatch
    /// The sink's own cursors of a route, while there is no batch of it.
    std::function<void(uint32_t, std::vector<KeptCursor>)> adopt = nullptr;
    std::function<void(const Batch&)> forget = nullptr;  // it will not be delivered
  };

  Delivery(Options options, Parts parts);

  // The worker's side.
  /// An empty batch to fill, or null when there is no room: too much is in flight, or the sink or
  /// this route is not taking anything, or is not open yet.
  std::unique_ptr<Batch> NewBatch(uint32_t route);
  /// Takes a batch that NewBatch gave. One without records settles at once.
  void Enqueue(std::unique_ptr<Batch> batch);
  /// Takes back one that will not be sent.
  void Discard(std::unique_ptr<Batch> batch);
  /// Batches that wait behind the probe of a dead sink. Their bytes are in their files: the caller
  /// forgets them, then Discards them.
  std::vector<std::unique_ptr<Batch>> Shed();
  bool shedding() const;
  /// The same of all batches of a route that is not open.
  std::vector<std::unique_ptr<Batch>> ShedRoute(uint32_t route);
  bool open(uint32_t route) const;
  bool idle() const;

  // When the configuration changes; any thread.
  /// From now on these are its routes, as in Options. What it has of others is foreign.
  void SetRoutes(const std::vector<std::string>& names, const std::vector<uint32_t>& high);
  void SetInFlightMax(uint64_t bytes);
  /// Forgets what is foreign and waits, or came back undelivered. Watch does so too.
  void ForgetForeign();
  /// True while it has foreign batches: they are on their way.
  bool HoldsForeign() const;

  // The sink's side.
  /// The next batch to try, or null and how long to wait for one.
  std::unique_ptr<Batch> Take(Duration* wait);
  void Complete(std::unique_ptr<Batch> batch, const Attempt& attempt);
  /// Opens the routes whose cursors the sink keeps, as far as they are due; lane 0.
  void OpenRoutes(const std::stop_token& stop);
  /// Takes, delivers, completes until stopped. One thread per lane.
  void RunLane(uint32_t lane, const std::stop_token& stop);

  /// Notices a call that has not returned within the sink's patience: the sink is then down, and
  /// says so. To be called about once a second. Any thread.
  void Watch();

  /// What is wrong with the sink now; empty when nothing is. Any thread.
  std::string LastError() const;
  /// The whole of its state. Any thread.
  DeliveryStatus Status() const;
  const std::string& name() const { return options_.sink_name; }
  uint32_t lanes() const { return parts_.sink.concurrency(); }

 private:
  struct Waiting {
    std::unique_ptr<Batch> batch;
    Duration not_before{0};
  };
  struct Route {
    std::string name;
    bool ours = false;
    bool high = false;
    bool rejecting = false;  // most of a batch was refused; it is known and goes on
    std::string refusal;     // why
    Duration rejecting_since{0};
    Duration hold_until{0};
    bool open = false;
    uint32_t batches = 0;  // that NewBatch gave and are not done with
    Duration open_not_before{0};
    Gauge rejecting_gauge;
  };

  bool RoomFor(bool high) const;
  std::deque<Waiting>::iterator FirstOfTheRest();
  void Requeue(std::unique_ptr<Batch> batch, Duration not_before);
  void Finish(std::unique_ptr<Batch> batch);
  void Release(std::unique_ptr<Batch> batch);
  bool HoldForRejections(Batch& batch, Duration now);
  std::optional<std::string> StoreRejections(Batch& batch);
  void Failed(const std::string& error, bool progress, Duration now);
  void Succeeded();
  void Enter(uint32_t lane);
  void Leave(uint32_t lane);
  void Tidy(uint32_t lane);
  void Close(uint32_t route, const Attempt& attempt);
  bool MayOpen(uint32_t route) const;
  bool AllOpen() const;
  std::string NameOf(uint32_t route) const;
  void CountError(const std::string& code);
  void TryAtOnce();
  Duration BackOff(int attempts, const Attempt& attempt);
  uint32_t PendingOf(const Batch& batch) const;
  void Changed();
  uint64_t Changes() const;
  static void SendAgain(Batch& batch);
  static void TallySlices(Batch& batch);

  const Options options_;
  const Parts parts_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  uint64_t changes_ = 0;
  std::deque<Waiting> waiting_;  // those of high routes first, the oldest of each first
  std::vector<std::unique_ptr<Batch>> spare_;
  std::vector<Route> routes_;  // by index
  uint64_t in_flight_bytes_ = 0;
  uint64_t in_flight_bytes_max_ = 0;
  uint64_t batches_made_ = 0;
  uint32_t delivering_ = 0;
  uint32_t open_ = 0;                             // batches that the worker is filling
  std::vector<std::optional<Duration>> entered_;  // by lane: since when it is in the sink
  std::optional<Duration> failing_since_;
  int failures_ = 0;
  std::string last_error_;
  Duration error_since_{0};
  uint64_t acknowledged_records_ = 0;
  RequestLimit limit_;
  std::minstd_rand random_;
  Counter retries_, batches_;
  Gauge up_, in_flight_, in_flight_max_, concurrency_;
};

}  // namespace hinomi
