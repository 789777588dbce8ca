// Who is behind the logs of this node: what the runtime and the kubelet know of its pods, kept in
// memory and, until the bytes of a pod are settled, on disk, so that a pod which is gone by the
// time its log is read still has its labels. A pod is known by its UID, so that a name used again
// never brings back old ones.
//
//   runtime, kubelet ──List──▶ Step ──▶ pods ──▶ Ask, Find     changed(UIDs) ──▶ the shipper
//                                        └──▶ directory/<uid>.json
//
// A container exists for its runtime before its log has a line, and its pod for the kubelet. So a
// question is answered by the first listing that begins after it: nobody waits for what is gone.
#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/metrics.h"
#include "metadata/pod_source.h"

namespace hinomi {

/// Any thread may call all of it, but Load, Step and Run, which belong to one.
class MetadataStore {
 public:
  struct Options {
    std::string directory;
    Duration wait_max{0};
    uint64_t pods_max = 0;
  };
  struct Parts {
    std::unique_ptr<PodSource> runtime;  // null: not asked
    std::unique_ptr<PodSource> kubelet;  // null: not asked
    FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
    /// These pods are to be asked for again. Called without a lock, from Step and Expire.
    std::function<void(const std::vector<std::string>& uids)> changed;
    /// A container has ended, a second ago at least: its last lines have had the time to be seen.
    /// It is told again where the process ends before it is stored that this is known, and not
    /// where it was over for an hour when the pod was first seen. Called without a lock, from Step;
    /// may be empty.
    std::function<void(const PodMetadata& pod, const ContainerMetadata& container)> exited = {};
    /// A container was started since this store was made, and is told of once. Called under the
    /// lock, from Step; may be empty.
    std::function<void(const PodMetadata& pod, const ContainerMetadata& container)> started = {};
  };
  /// One run of a container.
  struct Container {
    std::string pod_uid;
    std::string name;
    uint32_t attempt = 0;
  };
  struct Listed {
    std::shared_ptr<const PodMetadata> pod;
    std::optional<bool> ready;  // nothing: it has ended, or the kubelet does not tell just now
  };
  struct Answer {
    std::shared_ptr<const PodMetadata> pod;  // null: nothing is known
    bool wait = false;     // more will soon be known, or `changed` says that it will not
    bool missing = false;  // somebody was there to ask, but the container is not known
  };

  MetadataStore(Options options, Parts parts);

  /// Reads what was known before the restart. Damaged files are counted and left out.
  void Load();

  /// Who is behind `container`; `since` is when that was first of interest, by the monotonic clock.
  /// What is not known is then asked for soon. Takes a lock, and no longer than that.
  Answer Ask(const Container& container, Duration since);
  /// Null when nothing is known.
  std::shared_ptr<const PodMetadata> Find(const std::string& uid) const;
  /// The pods that are on this node, as far as the last listings tell.
  std::vector<Listed> Pods() const;
  /// What keeps sources from answering, by their names; of one that was not asked yet, nothing.
  std::vector<std::pair<std::string, std::string>> Problems() const;

  /// Of pods that no source lists any more, those not in `uids` are forgotten, on disk too.
  void Keep(const std::set<std::string>& uids);
  /// Ends waits that have lasted too long. About once a second, also while a source hangs.
  void Expire();

  /// Asks the sources that are due and stores what they say. Returns how long there is nothing to
  /// do.
  Duration Step(const std::stop_token& stop);
  /// Steps until stopped.
  void Run(const std::stop_token& stop);

 private:
  enum class State : uint8_t { kUntried, kAbsent, kDown, kUp };
  struct Source {
    std::unique_ptr<PodSource> source;
    std::string name;  // value of the metric label `source`
    State state = State::kUntried;
    std::string problem;                // empty but where it is absent or down
    std::optional<Duration> asked_at;   // when the last listing began
    std::optional<Duration> listed_at;  // and the last that succeeded
    int failures = 0;
    bool wanted = false;  // a question waits for it
    Gauge up;
    Counter errors;
  };
  struct Entry {
    std::shared_ptr<const PodMetadata> pod;
    bool listed = true;  // by the last listing; also while nobody has said otherwise
    bool stored = false;
    std::optional<bool> ready = {};  // by the kubelet's last listing
  };

  struct Exit {
    std::shared_ptr<const PodMetadata> pod;
    ContainerMetadata container;
    Duration noticed{0};  // monotonic
  };

  static bool Awaits(const Source& source, bool known, Duration since);
  static Duration DueOf(const Source& source);
  void Poll(Source& source, const std::stop_token& stop);
  static void Failed(Source& source, const Error& error);
  std::set<std::string> Take(const Source& source, std::vector<PodMetadata> pods);
  bool Merge(Entry* entry, PodMetadata next);
  void NoticeExits(const PodMetadata& known, const std::shared_ptr<const PodMetadata>& next);
  void NoticeStarts(const PodMetadata& known, const PodMetadata& next) const;
  void TellExits();
  PodMetadata WithoutUntold(PodMetadata pod) const;  // as if those containers still ran
  void Store();
  Result<void> Write(const PodMetadata& pod);
  std::string PathOf(const std::string& uid) const;

  const Options options_;
  FileSystem& files_;
  const Clock& clock_;
  const std::function<void(const std::vector<std::string>&)> changed_;
  const std::function<void(const PodMetadata&, const ContainerMetadata&)> exited_;
  const std::function<void(const PodMetadata&, const ContainerMetadata&)> started_;
  const Duration made_;  // wall time

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool woken_ = false;
  Source runtime_, kubelet_;
  std::map<std::string, Entry> pods_;
  std::map<std::string, Duration> waiting_;  // UIDs that were told to wait, and since when
  std::set<std::string> forgotten_;          // files that have to go
  std::vector<Exit> exits_;                  // to tell, oldest first
  Gauge pods_gauge_, refused_;
  std::array<Gauge, kContainerStates> containers_;  // by state
  Counter damaged_, write_errors_, waited_in_vain_;
};

}  // namespace hinomi
