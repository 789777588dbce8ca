// The parts of the log pipeline, wired together and restored from the checkpoint, without a thread
// of their own: Shipper runs them in threads, tests and the simulation step by step.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/directory_watcher.h"
#include "base/filesystem.h"
#include "base/metrics.h"
#include "config/config.h"
#include "shipper/builtin.h"
#include "shipper/checkpoint.h"
#include "shipper/event_log.h"
#include "shipper/event_reporter.h"
#include "shipper/outlet.h"
#include "shipper/sink/dead_letters.h"
#include "shipper/source/directory_source.h"
#include "shipper/source/log_store.h"
#include "shipper/worker.h"

namespace hinomi {

class Pipeline {
 public:
  struct Parts {
    FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
    /// What the outside gives: sinks, and watchers of directories (null: they are polled).
    std::function<std::unique_ptr<Sink>(const SinkConfig&, const SinkSurroundings&)> make_sink;
    std::function<std::unique_ptr<DirectoryWatcher>()> make_watcher;
    MetadataStore* metadata = nullptr;   // null: nobody is asked who is behind a log
    uint64_t quantum_bytes = 256 << 10;  // what is read of one log at a time; more for long records
    EventLog* events = nullptr;          // null: what the agent notices is not kept
  };

  /// `own_pod` is "namespace/pod" of the agent itself, or empty.
  /// state_dir must exist and be locked. Reads the checkpoint.
  Pipeline(const Config& config, const std::string& own_pod, Parts parts);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  LogStore& store() { return store_; }
  const LogStore& store() const { return store_; }
  Worker& worker() { return *worker_; }
  /// As in the configuration. Not while BeginReload or FinishReload runs; nor config().
  const std::vector<std::shared_ptr<Outlet>>& outlets() const { return outlets_; }
  const Config& config() const { return config_; }
  const std::vector<std::unique_ptr<DirectorySource>>& sources() const { return sources_; }

  /// What is to be done from time to time: writes the checkpoint, lets go of what is settled, looks
  /// after sinks that hang. Returns how long to wait before the next time. One thread.
  Duration Housekeep();
  // Another configuration takes effect in two steps, of which each takes no time; the worker stands
  // still meanwhile.
  /// Ends what routes send to sinks that they leave, and gives the sinks that are not in `next`, or
  /// not as they were: their threads are to be ended. Between the steps everything else goes on.
  std::vector<std::shared_ptr<Outlet>> BeginReload(const Config& next);
  /// True when nothing of those routes is on its way any more, in `leaving` or elsewhere.
  bool Withdrawn(const std::vector<std::shared_ptr<Outlet>>& leaving) const;
  /// Takes over sinks, routes, fairness and egress of `next`. What is still on its way to a sink
  /// that its route has left is sent again, to the new one. New sinks want threads.
  void FinishReload(const Config& next);

  /// See MetadataStore::Parts::exited. Any thread.
  void ContainerExited(const PodMetadata& pod, const ContainerMetadata& container);
  /// Writes the checkpoint if anything has changed. The thread that keeps house.
  void SaveCheckpoint();
  /// True when all that was seen is settled, but for records that are not complete.
  bool Drained() const;

 private:
  static LogStoreOptions StoreOptions(const Config& config, const std::string& own_pod,
                                      const Parts& parts);
  static std::vector<Duration> LingersOf(const Config& config);  // as its routes
  std::shared_ptr<Outlet> MakeOutlet(const SinkConfig& config, const RouteTable& routes);
  std::shared_ptr<Outlet> OutletOf(const std::string& sink) const;
  std::vector<std::string> NamesOf(const Outlet& outlet, const RouteTable& routes) const;
  static std::vector<uint32_t> HighOf(const RouteTable& routes);
  uint64_t ShareOf(const Outlet& outlet) const;
  void Connect(const RouteTable& routes);
  void BuildSources();
  void SettleLosses();
  void ForgetCursors(const std::vector<GoneLog>& gone);
  void LookAtDeadLetters();
  void KeepMetadata();

  Config config_;  // sinks, routes, fairness and egress change, the rest never
  const Parts parts_;
  DeadLetters dead_letters_;
  Checkpoint checkpoint_;
  LogStore store_;
  EgressLimits egress_;
  std::vector<std::shared_ptr<Outlet>> outlets_;
  std::unique_ptr<Worker> worker_;
  std::vector<std::unique_ptr<DirectorySource>> sources_;
  std::unique_ptr<EventReporter> reporter_;  // null without events
  Counter checkpoint_errors_;
  Gauge checkpoint_age_;
  std::atomic<Duration> saved_at_;
  size_t saved_bytes_ = 0;
  Duration looked_at_{0};
  Duration metadata_kept_at_{0};
  Metrics::Hook hook_;  // last: it uses the others
};

}  // namespace hinomi
