// The agent's own log: what it notices of a container, or of itself, as lines of files that are
// read, routed and shipped like all others. For each run of a container there is a log of its own,
//
//   <directory>/<namespace>_<pod>_<uid>/<container>/<restart>.log
//
// so that who it is about, and which routes it takes, follow from its path as they do for the
// container's own log. docs/events.md is the page for users. Knows nothing of cursors.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "base/filesystem.h"
#include "base/metrics.h"
#include "metadata/pod_info.h"
#include "shipper/event.h"

namespace hinomi {

/// Any thread.
/// Metrics: hinomi_events_total, hinomi_events_suppressed_total{action};
/// hinomi_events_write_errors_total; hinomi_events_bytes, hinomi_events_files;
/// hinomi_events_discarded_total, files.
class EventLog {
 public:
  struct Options {
    std::string directory;
    PodInfo agent;                     // whom events are about that are about no container
    uint64_t bytes_max = 64ull << 20;  // of all files; beyond it the oldest go
    uint64_t files_max = 1000;         // likewise
    uint64_t file_bytes_max = 1 << 20;
  };
  struct Parts {
    FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
  };
  EventLog(Options options, Parts parts);

  /// Makes the directory, and finds what an earlier process has left there. Errors: io.
  Result<void> Open();

  /// Appends one line and syncs it to the disk. What is about a container outside Kubernetes is
  /// written about the agent, with the container's name. More than ten of an action a minute about
  /// one container are counted and left out, but for lost bytes. Errors: io; a part of the line may
  /// be there, and is taken for no event.
  Result<void> Append(const PodInfo& about, const Event& event);
  /// About the agent itself; what goes wrong is said in its log.
  void Append(const Event& event);

  /// Removes the oldest files beyond the limits, those first of which `settled` says so, by the
  /// name of their directory below `directory` and their restart.
  void Trim(const std::function<bool(const std::string&, uint32_t)>& settled);

  const PodInfo& agent() const { return options_.agent; }

 private:
  struct StoredFile {
    uint64_t bytes = 0;
    Duration modified{0};   // Unix time
    bool is_named = false;  // by a name that a power cut leaves
  };
  struct Window {
    Duration since{0};  // monotonic
    uint64_t events = 0;
  };
  using Stored = std::map<std::string, StoredFile>;  // by path below the directory

  void Find(const std::string& directory);
  bool Suppress(const std::string& directory, EventAction action);
  Result<void> Write(const std::string& directory, const std::string& name, std::string_view line);
  Result<void> Rotate(const std::string& path);
  void Remove(const std::string& path);
  bool Full() const;
  void ShowSizes();

  const Options options_;
  FileSystem& files_;
  const Clock& clock_;
  std::array<Counter, kEventActions> written_, suppressed_;
  Counter write_errors_, discarded_;
  Gauge bytes_gauge_, files_gauge_;

  std::mutex mutex_;
  Stored stored_;
  uint64_t bytes_ = 0;
  std::map<std::pair<std::string, EventAction>, Window> windows_;
};

/// The agent as it is named among the pods: the pod that it runs in where that is known
/// ("namespace/pod"), else a stand-in whose UID no pod can have.
PodInfo AgentAsPod(const std::string& own_pod);

}  // namespace hinomi
