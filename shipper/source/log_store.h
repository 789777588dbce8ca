// All logs of the node: their chains, their readers, and who is read next. Discovery tells it what
// directories show, the worker leases from it, delivery settles into it, the checkpoint is taken
// from it.
//
// One lock guards everything; it is taken per event batch, per lease and per delivered batch, never
// per record, and never while bytes are read, decoded or sent. All public functions may be called
// from any thread.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/filesystem.h"
#include "config/config.h"
#include "metadata/pod_query.h"
#include "metadata/store.h"
#include "shipper/cursor_keeper.h"
#include "shipper/pod_facts.h"
#include "shipper/source/lag.h"
#include "shipper/source/log.h"
#include "shipper/source/route_table.h"
#include "shipper/source/scheduler.h"
#include "shipper/status.h"

namespace hinomi {

struct LogStoreOptions {
  std::string node;
  std::string own_pod;  // "namespace/pod" of the agent itself, where it knows
  Duration open_record_delay_max{0};
  uint64_t quantum_bytes = 256 << 10;
  uint64_t namespaces_max = 200;
  size_t lagging_max = 1000;  // containers whose lag has a row
  std::vector<RouteConfig> routes;
  std::vector<MultilineConfig> multiline;
  std::vector<Duration> lingers;  // as routes
  std::vector<ShareConfig> fairness;
  MetadataStore* metadata = nullptr;     // null: nobody is asked who is behind a log
  std::string escrow_directory;          // as the process sees it; empty: none
  uint64_t escrow_bytes_max = 0;         // of files that only the escrow keeps
  uint64_t escrow_free_percent_min = 0;  // of the file system; below it such files are given up
};

/// What another configuration changes of that while the process runs.
struct RouteOptions {
  std::vector<RouteConfig> routes;
  std::vector<Duration> lingers;  // as routes
  std::vector<ShareConfig> fairness;
};

/// What the worker holds while it reads one log for one route.
struct Lease {
  uint64_t log = 0;
  uint32_t route = 0;
  Position begin;
  std::shared_ptr<const Origin> origin;
  std::string metadata;                  // what the encoder left last time; empty at first
  LevelSchedule levels;                  // of the records that the route takes
  Chunk chunk;                           // its pieces point into the buffers below
  uint64_t kept_bytes_max = UINT64_MAX;  // a record that begins behind them is beyond a limit

  // Reused from lease to lease.
  std::vector<ChunkPiece> pieces;
  struct PieceFile {
    std::shared_ptr<File> file;
    Fingerprint fingerprint;  // nothing to compare where the file cannot change
  };
  std::vector<PieceFile> files;  // of each piece
  std::vector<char> buffer;
};

/// A directory that holds the logs of one container.
struct LogDirectory {
  /// It is known by it, in the checkpoint too: <namespace>_<pod>_<uid>/<container> below pods_dir,
  /// an absolute path elsewhere.
  std::string name;
  std::string path;         // as the node sees it
  PodInfo pod;              // restart_count and workload need not be set
  Duration since{0};        // files not written to for longer are left out when first seen
  bool first_look = false;  // it was there before the source looked for the first time
};

/// One log in it, as the directory shows it.
struct LogFiles {
  uint32_t restart = 0;
  LogFormat format = LogFormat::kCri;
  std::string path;                    // of the current file as the node sees it
  std::vector<SegmentEntry> segments;  // oldest first
};

/// A file of a log of which nobody can say what was in it.
struct MissedFile {
  PodInfo pod;
  std::string name;
};

/// A log that is settled and gone, of a route whose sink keeps its cursor.
struct GoneLog {
  uint32_t route = 0;
  std::string log;  // Origin::path
};

/// The file that a log is written to just now.
struct LogTail {
  std::shared_ptr<File> file;  // its newest with content; null when there is none that may be shown
  LogFormat format = LogFormat::kCri;
};

class LogStore {
 public:
  LogStore(LogStoreOptions options, FileSystem& files, const Clock& clock, Metrics& metrics);

  // Discovery.
  /// Takes over what the checkpoint knows and what the escrow holds. Before anything else.
  void Restore(const CheckpointState& state);
  /// `directory` shows these files now; none when it is gone. A directory that belongs to docker
  /// may learn later who is behind it: that holds for later records, but its routes stay. False
  /// when it is to be looked at again soon.
  bool Reconcile(const LogDirectory& directory, const std::vector<LogFiles>& logs);
  /// Every directory of a source was looked at: from now on no route is new.
  void Looked();
  /// The file of that restart was written to.
  void Touch(const std::string& directory, uint32_t restart);
  /// More is known of these pods, or nobody will say more: their logs are introduced, and what they
  /// send from here on says it.
  void MetadataChanged(const std::vector<std::string>& pod_uids);
  /// Of all pods with a log that is not settled and gone.
  std::set<std::string> PodUids() const;
  /// Directories of logs that are known, so that those which vanished can be reconciled.
  std::vector<std::string> Directories() const;

  /// The routes of another configuration. What was not settled for one that is gone, or that does
  /// not take a log any more, is dropped. Nothing of those, or of one that has another sink, is
  /// leased; what is on its way for them is taken back.
  void Configure(const RouteOptions& options);
  /// As they are now.
  RouteTable routes() const;
  std::string RouteName(uint32_t route) const;

  /// The cursors that the sink of `route` keeps itself: where one is further than the checkpoint's,
  /// its log goes on there. While nothing of that route is leased or on its way.
  void Adopt(uint32_t route, std::vector<KeptCursor> cursors);

  // Work.
  /// Waits until a route may have something to lease, or `timeout` has passed, or Wake is called.
  void WaitForWork(Duration timeout);
  void Wake();
  /// Leases the next log of the route and reads a quantum of it. False when none is due.
  bool NextLease(uint32_t route, Lease* lease);
  /// Ends the lease. `slices` lie in order and without gap from lease.begin to decoded.consumed;
  /// each gets its ticket.
  void Commit(const Lease& lease, const Decoded& decoded, std::span<Slice*> slices);
  /// All outcomes of the batch are known.
  void Settle(const Batch& batch);
  /// The batch will not be delivered; its bytes are read again.
  void Forget(const Batch& batch);
  /// Nor will anything that is on its way for that route now.
  void TakeBack(uint32_t route);
  /// From now on nothing lingers.
  void Hurry();
  /// True when nothing is waiting to be read: neither now, nor after its linger, nor behind a file
  /// that was just rotated.
  bool Drained() const;
  /// When there is something to lease: a monotonic time, in the past if there is already; none when
  /// nothing waits.
  std::optional<Duration> NextDue(uint32_t route) const;

  // Keeping house, from time to time and by one thread.
  /// Gives up the oldest files that only the escrow keeps, as far as its limits ask for it. Returns
  /// how many bytes of the disk that frees.
  uint64_t EnforceEscrowLimits();
  /// Files that went, or may have grown, without having been seen, since the last call.
  std::vector<MissedFile> TakeMissed();
  /// What is lost since the last call; readers wait in front of it until it is settled.
  std::vector<Loss> FindLosses();
  void Settle(const std::vector<Loss>& losses);
  /// The last Snapshot is on the disk: lets go of the files that it holds as settled.
  void ReleaseSettled();
  /// Lets go of logs that are gone and settled; gives those whose cursors are kept elsewhere too.
  std::vector<GoneLog> Prune();

  /// What every log has delivered and what it waits with, but for the agent's own events. Looks
  /// once more at files that were written to since they were last read.
  LogsStatus Report();
  /// What became of every byte, by route and log. Any thread.
  Ledger TakeLedger() const;
  /// Where a log ends; nothing of logs that no route takes. Any thread.
  LogTail TailOf(const std::string& directory, uint32_t restart) const;
  /// True when every route is done with all of a log that was seen.
  bool Settled(const std::string& directory, uint32_t restart) const;
  /// Why files are not held over a restart; empty when they are.
  std::string EscrowDegraded() const;
  /// What is known of the logs that `query` is about, in no order.
  std::vector<LogFacts> Explain(const PodQuery& query);

  // Checkpoint.
  /// True when cursors moved since the last Snapshot.
  bool dirty() const;
  void SetDirty();
  CheckpointState Snapshot();

 private:
  struct Reference {
    uint64_t log = 0;
    uint32_t reader = 0;
  };
  struct Queue {
    Queue(uint64_t quantum_bytes, Scheduler::OnWait on_wait)
        : ready(quantum_bytes, std::move(on_wait)) {}
    Scheduler ready;
    std::deque<Reference> next;  // written to meanwhile; become ready when the linger is over
    Duration due{0};
  };
  /// A log that is known from the checkpoint or the escrow and was not seen on disk yet.
  struct Stored {
    LogState state;
    bool in_checkpoint = false;
    std::vector<HeldFile> held;
  };
  /// Of one route and namespace. Those by reason are made when they are needed.
  struct ByteCounters {
    Counter produced, acknowledged;
    Gauge pending;
    std::array<std::optional<Counter>, kDropReasons> dropped;
    std::array<std::optional<Counter>, kLossReasons> lost;
  };
  struct GoneBytes {
    uint64_t produced = 0;
    SettledBytes settled;
  };
  /// A log that is not introduced before more is known of its pod.
  struct Waiting {
    Duration since{0};
    bool first_look = false;
  };
  /// What the sink of a route has said of its logs.
  struct Kept {
    std::map<std::string, KeptCursor> cursors;  // by log, until that is seen
    Duration adopted_at{0};
  };
  /// Of all logs of a route, those that are gone included.
  struct RouteSums {
    uint64_t produced = 0;
    SettledBytes settled;
    uint64_t pending = 0;
    uint64_t imbalance = 0;
    Duration oldest{0};
  };
  struct NamespaceCounters {
    std::string label;
    Counter lines;
    Counter bytes;
  };
  struct RouteMetrics {
    Counter acknowledged, acknowledged_bytes;
    std::array<Counter, kDropReasons> dropped, dropped_bytes;
    Gauge oldest, pending;
    std::map<std::string, Gauge> ledger;  // by state
    Gauge imbalance;
  };

  Log& LogOf(const std::string& directory, uint32_t restart);
  static void Describe(const LogDirectory& directory, const LogFiles& files, Log* log);
  bool Introduce(Log& log, const PodInfo& pod, bool first_look);
  bool Enrich(Log& log, PodInfo* pod, bool* first_look);
  void Reintroduce(Log& log);
  void MarkSettled(Duration now);
  void JoinShares(const Log& log, bool forgive);
  void AddReaders(Log& log, bool first_look);
  std::vector<TakenRoute> RoutesOf(const Log& log) const;
  static void ChangeLevels(Log& log, const std::vector<TakenRoute>& routes);
  void ChooseAgain(Log& log, std::map<uint32_t, uint64_t>* dropped);
  void Dismiss(Log& log, Reader& reader);
  void DismissStored(const Log& log);
  Reader MakeReader(const Log& log, const TakenRoute& taken, bool first_look) const;
  Cursor StartOf(const Log& log, const RouteConfig& route, bool first_look) const;
  void AdoptCursor(const Log& log, Reader& reader);
  void CountCursor(uint32_t route, const std::string& outcome);
  static Reader& ReaderOf(Log& log, uint32_t route);
  void MarkReady(Log& log, uint32_t reader, Duration now);
  void MarkAllReady(Log& log, Duration now);
  void MarkAt(Duration when, Reference reference);
  void RunTimers(Duration now);
  Duration OpenDelay(const Log& log) const;
  bool Plan(Log& log, Reader& reader, Lease* lease, Duration now);
  void Read(Lease* lease);
  void LookAgain(const Lease& lease, uint32_t segment);
  void TakeBack(Log& log, uint32_t index, uint64_t ticket, Duration now);
  void GiveUpUnreadable(const Lease& lease, uint32_t segment);
  void Refill(Queue& queue, Duration now);
  void CountWait(const std::string& namespace_name, Duration wait);
  void CountSettled(const Slice& slice);
  static LogStatus StatusOf(const Log& log, Duration now);
  LedgerEntry EntryOf(const Log& log, const Reader& reader) const;
  LogFacts FactsOf(const Log& log, Duration now) const;
  NamespaceCounters& CountersOf(const std::string& namespace_name);
  void RegisterMetrics();
  void RegisterRoute(uint32_t index);
  void AddQueues();
  void RefreshGauges();
  Log::Surroundings Around(Duration now, Duration since = Duration{0});
  void CountBytes(Log& log);
  void CountNoRoute(Log& log);
  void CountDropped(const std::string& namespace_label, uint32_t route, DropReason reason,
                    uint64_t bytes);
  ByteCounters& BytesOf(const std::string& namespace_name, uint32_t route);
  static void ShowSums(const RouteSums& sums, RouteMetrics& metrics);
  std::string NamespaceLabel(const std::string& namespace_name);
  bool HasLosses() const;
  void Fold(Log& log);
  void Fold(const Log& log, const Reader& reader);

  const LogStoreOptions options_;
  FileSystem& files_;
  const Clock& clock_;
  Metrics& metrics_;
  SourceCounters counters_;
  Escrow escrow_;
  GunzipCursors gunzip_;

  mutable std::mutex mutex_;
  RouteTable routes_;
  std::vector<Duration> lingers_;  // by route
  std::vector<ShareConfig> fairness_;
  std::condition_variable wake_;
  bool woken_ = false;
  bool hurry_ = false;
  bool looked_ = false;
  std::set<std::string> known_routes_;  // those of the checkpoint
  uint64_t next_handle_ = 1;
  uint64_t next_ticket_ = 1;
  bool dirty_ = false;
  std::unordered_map<uint64_t, std::unique_ptr<Log>> logs_;
  std::map<std::pair<std::string_view, uint32_t>, Log*>
      by_name_;  // the log's own directory, restart
  std::map<std::pair<std::string, uint32_t>, Stored> restored_;
  LossReason vanished_ = LossReason::kVanished;
  int64_t epoch_seconds_ = 0;            // Unix time
  std::map<uint64_t, Waiting> waiting_;  // by log
  std::map<uint32_t, Kept> kept_;        // by route
  std::deque<Queue> queues_;             // per route
  std::multimap<Duration, Reference> timers_;
  std::map<std::string, NamespaceCounters> namespaces_;
  std::map<std::pair<std::string, uint32_t>, ByteCounters> bytes_;  // by namespace label, route
  std::map<std::pair<std::string, uint32_t>, GoneBytes> gone_;      // of logs that were let go
  SettledBytes settled_bytes_;  // of all routes, since the start of the process
  std::vector<RouteMetrics> route_metrics_;
  LagRows lag_;
  Gauge segments_open_, logs_gauge_;
  Gauge escrow_bytes_, escrow_free_;
  Counter no_route_;
  uint64_t gone_lines_ = 0;  // settled in logs that were let go
  uint64_t gone_bytes_ = 0;
  Metrics::Hook hook_;  // last: it uses the others
};

}  // namespace hinomi
