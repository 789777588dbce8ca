// The agent: owns everything and wires it. Its life: serve /healthz, take the state directory,
// ship, drain, end.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "app/http/access.h"
#include "app/http/server.h"
#include "app/life.h"
#include "app/reloader.h"
#include "app/status_board.h"
#include "base/clock.h"
#include "base/filesystem.h"
#include "base/metrics.h"
#include "collector/endpoints.h"
#include "config/config.h"
#include "metadata/container_life.h"
#include "metadata/cri.h"
#include "metadata/store.h"
#include "shipper/shipper.h"

namespace hinomi {

class Agent {
 public:
  /// The configuration is read anew by `load` on SIGHUP, and when the file at `path` changes, where
  /// there is one.
  Agent(Config config, const std::string& path, std::function<Loaded()> load);

  /// Runs until SIGTERM or SIGINT, which the caller has blocked in all threads, as SIGHUP; drains
  /// then. A second signal ends it at once. Errors: io (state directory, listen address). Returns
  /// the exit status.
  Result<int> Run();

 private:
  Result<std::unique_ptr<FileLock>> TakeState();
  std::unique_ptr<CriClient> MakeRuntime();  // null: not asked
  std::unique_ptr<MetadataStore> MakeMetadata();
  HttpServer::Handlers Handlers();
  HttpServer::Handlers GuardedHandlers();
  HttpResponse Ready();
  Shipper* StartedShipper();
  std::string NotReady() const;  // under the lock
  StatusSample Sample();
  void SetNotReady(std::string why);
  void Reload();

  const Config config_;
  PosixFileSystem files_;
  SystemClock clock_;
  Metrics metrics_;
  const Metrics::Hook process_metrics_;
  EventLog events_;
  Life life_;
  ContainerLife container_life_;
  std::unique_ptr<MetadataStore> metadata_;  // null: nobody is asked who is behind a log
  std::mutex mutex_;                         // guards the next two
  std::string not_ready_ = "starting";
  std::unique_ptr<Shipper> shipper_;
  MetricEndpoints endpoints_;
  Access access_;
  StatusBoard board_;
  Reloader reloader_;
};

}  // namespace hinomi
