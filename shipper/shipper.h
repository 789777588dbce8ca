// The threads of the log pipeline: sources, worker, the sinks' lanes, housekeeper. What they run is
// Pipeline's.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "shipper/certificate_expiries.h"
#include "shipper/pipeline.h"
#include "shipper/pod_facts.h"
#include "shipper/status.h"

namespace hinomi {

class Shipper {
 public:
  struct Parts {
    FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
    MetadataStore* metadata = nullptr;  // null: nobody is asked who is behind a log
    EventLog* events = nullptr;         // null: what the agent notices is not kept
  };

  /// `own_pod` is "namespace/pod" of the agent itself, or empty.
  /// state_dir must exist and be locked. Reads the checkpoint.
  Shipper(const Config& config, const std::string& own_pod, Parts parts);
  ~Shipper();
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;

  /// Starts the threads.
  void Start();
  /// Ships what is in the files now, for `patience` at most, writes the checkpoint and ends the
  /// threads. False when a sink does not come back: its thread lives on in what this owns, so the
  /// process must be left without destroying it.
  [[nodiscard]] bool Drain(Duration patience);

  /// Another configuration takes effect: its sinks, routes and fairness; the rest wants a new
  /// process. What did not change goes on; what is on its way to a sink that did, or that its route
  /// leaves, has kReloadPatience to arrive, or until `hurry`, and is sent again otherwise. The
  /// thread that starts and drains.
  void Reload(const Config& next, const std::function<bool()>& hurry);

  /// See LogStore::MetadataChanged. Any thread.
  void MetadataChanged(const std::vector<std::string>& pod_uids) {
    pipeline_.store().MetadataChanged(pod_uids);
  }

  /// See MetadataStore::Parts::exited. Any thread.
  void ContainerExited(const PodMetadata& pod, const ContainerMetadata& container) {
    pipeline_.ContainerExited(pod, container);
  }

  /// What keeps the sources from being read; empty when nothing does.
  std::string NotReady() const;
  /// Sinks that do not take records, each with why.
  std::vector<std::pair<std::string, std::string>> SinkErrors() const;
  /// Why files are not held over a restart; empty when they are.
  std::string EscrowDegraded() const { return pipeline_.store().EscrowDegraded(); }
  // For people. Any thread.
  /// What is going on.
  ShipperStatus Status();
  /// What became of every byte.
  Ledger TakeLedger() const { return pipeline_.store().TakeLedger(); }
  /// What is known of the logs that `query` is about. Reads directories and dead letters.
  PodFacts Explain(const PodQuery& query);
  Config config() const;

 private:
  struct SinkThreads {
    std::shared_ptr<Outlet> outlet;
    bool leaving = false;
    std::atomic<size_t> ended = 0;
    std::vector<std::jthread> lanes;  // last, so that they end first
  };

  void Housekeep(const std::stop_token& stop);
  void StartWorker();
  void StopWorker();
  void StartLanes(const std::shared_ptr<Outlet>& outlet);
  bool EndLanes(bool (*which)(const SinkThreads&));
  std::vector<SinkStatus> SinkStatuses() const;

  FileSystem& files_;
  const MetadataStore* metadata_;  // null: nobody is asked who is behind a log
  const Clock& clock_;
  Metrics& metrics_;
  Pipeline pipeline_;
  std::unique_ptr<CertificateExpiries> certificate_expiries_;
  /// Held alone while the pipeline's outlets and configuration change, which the worker and its
  /// deliveries do not look at.
  mutable std::shared_mutex wiring_;

  // Last, so that they end first.
  std::jthread worker_thread_, housekeeper_;
  std::vector<std::jthread> source_threads_;  // as the pipeline's sources
  std::list<SinkThreads> sink_threads_;
};

}  // namespace hinomi
