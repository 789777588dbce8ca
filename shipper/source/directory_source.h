// A directory that logs lie below, one or more levels down. It is watched, and looked at again from
// time to time in case a watch missed something; what its directories show goes to the store. Which
// directories count and how logs are called is for the sources to say that derive from it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/directory_watcher.h"
#include "base/filesystem.h"
#include "shipper/source/log_store.h"
#include "shipper/source/place.h"

namespace hinomi {

class DirectorySource {
 public:
  struct Parts {
    LogStore& store;
    FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
  };
  struct Options {
    std::string kind;  // as in the configuration: "kubernetes"
    std::string host_root;
    std::string root;                     // as the node sees it: below host_root
    std::vector<std::string> link_roots;  // likewise; where links may lead besides the root
    int depth = 1;                        // how many levels below the root logs lie
    std::string name_prefix;              // of its directories' names in the store
    Duration since{0};
  };

  virtual ~DirectorySource() = default;

  /// Follows the directories until stopped. Its own thread; Interrupt() makes it see the stop at
  /// once.
  void Run(const std::stop_token& stop);
  void Interrupt();
  /// One round of Run: looks at everything when that is due, waits for what the watcher tells, a
  /// second at most, and looks there. Returns how long to pause before the next. Only when Run is
  /// not running.
  Duration Step();

  /// Looks at everything once more; the last thing of a drain. Only when Run is not running.
  void Sweep();

  /// Empty once the root is open; until then why it is not, for /readyz.
  std::string NotReady() const;
  const std::string& kind() const { return options_.kind; }
  /// As the node sees it.
  const std::string& place() const { return options_.root; }

 protected:
  /// What a directory shows.
  struct Found {
    PodInfo pod;
    std::vector<LogFiles> logs;
  };
  /// Its share of a gauge that several sources add up to.
  class Share {
   public:
    explicit Share(Gauge gauge) : gauge_(gauge) {}
    void Set(double value) { gauge_.Add(value - std::exchange(value_, value)); }

   private:
    Gauge gauge_;
    double value_ = 0;
  };

  /// `watcher` may be null where the kernel gives none: then everything is looked at once a second.
  DirectorySource(Options options, Parts parts, std::unique_ptr<DirectoryWatcher> watcher);

  /// Whether a directory, by its path below the root, is one of the source's.
  virtual bool Wanted(const std::string& directory) = 0;
  /// What the `entries` of a directory at the last level are; none when it is gone. Nothing if that
  /// cannot be said now, or if the directory is none of the source's after all.
  virtual std::optional<Found> Look(const std::string& directory,
                                    const std::vector<DirectoryEntry>& entries) = 0;
  /// Which log of a directory a file belongs to.
  virtual std::optional<uint32_t> RestartOf(const std::string& directory,
                                            const std::string& name) = 0;

  /// Finds the file `entry` of `directory` if it may be read: a regular one, or a link to one at an
  /// allowed place. Nothing else is found, but counted. False when nothing can be said about it,
  /// which is not the same as its not being there.
  bool Find(const Place& directory, const DirectoryEntry& entry,
            std::optional<SegmentEntry>* found);
  /// Finds the files of a container of docker in its directory, which its id names, oldest first.
  /// False as Find.
  bool FindJsonLogs(const Place& directory, const std::vector<DirectoryEntry>& entries,
                    LogFiles* log);
  /// Follows a directory elsewhere, on behalf of one of its own.
  void WatchAlso(const Place& elsewhere, const std::string& directory);

  /// Where a resolved path is as the node sees it.
  std::string AsTheNodeSees(const Place& place) const;
  const std::string& root() const { return root_; }
  FileSystem& files() const { return parts_.files; }

 private:
  bool OpenRoot();
  void CloseRoot(const std::string& why);
  void SweepAll();
  void Scan(const std::string& directory);
  void ScanEntries(const std::string& directory, const std::vector<DirectoryEntry>& entries);
  void ScanLogs(const std::string& directory);
  void Reconcile(const std::string& directory, Found found);
  void Watch(const std::string& path, const std::string& directory);
  void Handle(const std::vector<WatchEvent>& events);
  void Refuse(const Place& place);
  void RetryUnclear();
  Duration SweepEvery() const;
  int DepthOf(const std::string& directory) const;
  bool IsOwnName(const std::string& name) const;

  const Options options_;
  const Parts parts_;
  std::unique_ptr<DirectoryWatcher> watcher_;
  std::string root_;  // resolved; empty until it exists
  bool first_look_ = true;
  Duration swept_at_{0};
  bool degraded_ = false;                         // some directory could not be watched
  std::unordered_map<int, std::string> watches_;  // which directory of its own each is for
  std::set<std::string> refused_;                 // said once
  std::set<std::string> unclear_;                 // directories to look at again soon
  Duration retried_at_{0};
  bool unsure_ = false;       // some file could not be looked at
  mutable std::mutex mutex_;  // guards not_ready_
  std::string not_ready_;
  Counter overflows_, refused_total_;
  Share watches_gauge_, degraded_gauge_;
};

}  // namespace hinomi
