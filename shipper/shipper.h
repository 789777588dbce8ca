// The log pipeline as one thing: owns the source, the worker, the sinks and their threads, and the
// checkpoint.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/filesystem.h"
#include "base/metrics.h"
#include "config/config.h"
#include "shipper/checkpoint.h"
#include "shipper/delivery.h"
#include "shipper/sink/dead_letters.h"
#include "shipper/source/directory_source.h"
#include "shipper/source/log_store.h"
#include "shipper/worker.h"

namespace hinomi {

class Shipper {
 public:
  struct Parts {
    FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
  };

  /// `config` must outlive it. `own_pod` is "namespace/pod" of the agent itself, or empty.
  /// state_dir must exist and be locked.
  Shipper(const Config& config, const std::string& own_pod, Parts parts);
  ~Shipper();
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;

  /// Reads the checkpoint and starts the threads.
  void Start();
  /// Ships what is in the files now, for `patience` at most, writes the checkpoint and ends the
  /// threads. False when a sink does not come back: its thread lives on in what this owns, so the
  /// process must be left without destroying it.
  [[nodiscard]] bool Drain(Duration patience);

  /// What keeps the sources from being read; empty when nothing does.
  std::string NotReady() const;
  /// Sinks that do not take records, each with why.
  std::vector<std::pair<std::string, std::string>> SinkErrors() const;
  /// What is going on, for people. Any thread.
  ShipperStatus Status();

 private:
  void BuildRoutes();
  void BuildSources();
  void Housekeep(const std::stop_token& stop);
  void SaveCheckpoint();
  bool EndLanes();

  const Config& config_;
  const Parts parts_;
  DeadLetters dead_letters_;
  Checkpoint checkpoint_;
  LogStore store_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  std::vector<std::unique_ptr<Delivery>> deliveries_;  // as sinks_
  std::unique_ptr<Worker> worker_;
  std::vector<std::unique_ptr<DirectorySource>> sources_;
  Counter checkpoint_errors_;
  Gauge checkpoint_age_;
  std::atomic<Duration> saved_at_;
  size_t saved_bytes_ = 0;

  // Last, so that they end first.
  std::jthread worker_thread_, housekeeper_;
  std::vector<std::jthread> source_threads_;  // as sources_
  std::vector<std::jthread> lanes_;
  std::atomic<size_t> lanes_ended_ = 0;
};

}  // namespace hinomi
