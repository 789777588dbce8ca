// Finds the logs that the kubelet keeps:
// <pods_dir>/<namespace>_<pod>_<uid>/<container>/<restart>.log. Watches directories, and looks at
// everything again from time to time in case a watch missed something.
//
// Source: kubelet, container_log_manager.go and kuberuntime/helpers.go.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "base/directory_watcher.h"
#include "base/filesystem.h"
#include "config/config.h"
#include "shipper/source/log_store.h"

namespace hinomi {

class KubernetesSource {
 public:
  struct Parts {
    LogStore& store;
    FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
  };

  /// `watcher` may be null where the kernel gives none: then everything is looked at once a second.
  KubernetesSource(const Config& config, Parts parts, std::unique_ptr<DirectoryWatcher> watcher);

  /// Follows the directories until stopped. Its own thread; Interrupt() makes it see the stop at
  /// once.
  void Run(const std::stop_token& stop);
  void Interrupt();

  /// Looks at everything once more; the last thing of a drain. Only when Run is not running.
  void Sweep();

  /// Empty once the pods directory is open; until then why it is not, for /readyz.
  std::string NotReady() const;

 private:
  struct Watched {
    std::string pod;        // directory name; empty for the pods directory itself
    std::string container;  // empty for a pod's directory
  };
  struct Ignored {
    int compressed = 0;
    int temporary = 0;
  };

  bool OpenRoot();
  void SweepPods();
  void ScanPod(const std::string& pod);
  void ScanContainer(const std::string& pod, const std::string& container);
  void Handle(const std::vector<WatchEvent>& events);
  bool Excluded(const PodInfo& pod) const;
  void Watch(const Watched& what);
  std::string Admit(const std::string& directory, const DirectoryEntry& entry);
  void Count(const std::string& directory, Ignored ignored);
  Duration SweepEvery() const;

  const Config& config_;
  LogStore& store_;
  FileSystem& files_;
  const Clock& clock_;
  std::unique_ptr<DirectoryWatcher> watcher_;
  std::string root_;  // resolved; empty until it exists
  Duration swept_at_{0};
  bool degraded_ = false;  // some directory could not be watched
  std::map<int, Watched> watches_;
  std::map<std::string, int> watch_of_;     // by path below the root
  std::map<std::string, Ignored> ignored_;  // by directory
  std::set<std::string> refused_;           // said once
  mutable std::mutex mutex_;                // guards not_ready_
  std::string not_ready_;
  Counter overflows_, refused_total_;
  Gauge watches_gauge_, compressed_, temporary_, degraded_gauge_, excluded_gauge_;
  std::set<std::string> excluded_;
};

}  // namespace hinomi
