// One container instance's log: the chain of its segments, and each route's reader of it. The chain
// is kept true to its directory by Reconcile. No lock of its own: LogStore's guards it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "shipper/compress/gunzip_file.h"
#include "shipper/source/escrow.h"
#include "shipper/source/reader.h"
#include "shipper/source/segment.h"

namespace hinomi {

/// What the names of directories begin with that hold the agent's own events.
inline constexpr std::string_view kEventsPrefix = "events/";
inline bool HoldsEvents(std::string_view directory) { return directory.starts_with(kEventsPrefix); }

/// A file of a log as its directory shows it, oldest first.
struct SegmentEntry {
  std::string name;
  std::string root;  // that it is opened below, links resolved
  std::string path;  // below the root
  FileStat stat;
  bool compressed = false;

  FileId id() const { return {stat.inode, stat.birth}; }
};

/// What the source counts about files.
struct SourceCounters {
  explicit SourceCounters(Metrics& metrics);
  Counter segments_rotated;
  Counter segments_finished;
  Counter files_missed;
  Counter open_errors;
  Counter refused;
};

/// Bytes that a reader will never get to see.
struct Loss {
  uint64_t log = 0;
  uint32_t route = 0;
  Position begin;
  uint64_t bytes = 0;
  LossReason reason = LossReason::kVanished;
  std::shared_ptr<const Origin> origin;
};

class Log {
 public:
  Log(uint64_t handle, std::string directory, uint32_t restart)
      : handle_(handle), directory_(std::move(directory)), restart_(restart) {}

  uint64_t handle() const { return handle_; }
  const std::string& directory() const { return directory_; }
  const PodInfo& pod() const { return origin == nullptr ? stranger->pod : origin->pod; }
  uint32_t restart() const { return restart_; }

  /// What all of this log's records have in common; set once its first line is complete.
  std::shared_ptr<const Origin> origin;
  /// Until then:
  struct Stranger {
    PodInfo pod;
    std::string path;  // of the current file as the node sees it
  };
  std::unique_ptr<Stranger> stranger = std::make_unique<Stranger>();
  std::string first_time;  // RFC 3339, of the first line; empty when that was not of the format
  LogFormat format = LogFormat::kCri;
  std::vector<Reader> readers;
  uint64_t unrouted_counted = 0;  // of seen_bytes(), where nobody reads

  struct Surroundings {
    FileSystem& files;
    Escrow& escrow;
    GunzipCursors& gunzip;
    SourceCounters& counters;
    Duration now;              // monotonic
    Duration modified_before;  // Unix time; files not written to since are left out when first seen
    LossReason vanished;       // why what is gone at the first look is lost
  };

  /// Makes the chain agree with what the directory shows. Errors with single files are counted and
  /// logged. False when the directory is to be looked at again soon, since not all could be opened.
  bool Reconcile(const std::vector<SegmentEntry>& entries, const Surroundings& around);

  /// Looks at the open files: sizes, first lines, truncation. Cheap; called when a file was written
  /// to.
  void Refresh(const Surroundings& around);

  /// Files that nobody saw, or that may have grown since, by name; each is told once.
  std::vector<std::string> TakeMissed() { return std::exchange(missed_, {}); }

  /// Moves readers on where nothing is left to read of a segment that is gone, and appends what is
  /// lost of others to `losses`. Readers stay before a loss until it is settled.
  void FindLosses(Duration now, std::vector<Loss>* losses);
  /// True when what is on its way for a reader keeps a file that was given up for the escrow's
  /// limit too long, such as with a dead sink. It may arrive yet.
  bool IsFenced(const Reader& reader, Duration now) const;
  /// The reader that `loss` is about goes on behind it. False when it is no longer there.
  bool Settle(const Loss& loss);

  // In this order: a snapshot that holds them as settled is taken, it is on the disk, they are let
  // go of.
  /// True when there are more than the last time.
  bool MarkSettled(Duration now);
  void ReleaseSettled(const Surroundings& around);
  /// Drops segments that are finished and not in the directory. True when nothing of the log is
  /// left.
  bool Prune();
  /// Nobody reads it: holds nothing any more.
  void LetGo(const Surroundings& around);
  /// Others read it from now on: holds what it has open, settled or not.
  void TakeUp(const Surroundings& around);

  /// Bytes between `at` and the end of what has been seen.
  uint64_t BytesAfter(const Position& at) const;
  /// Of all segments, those that were dropped included; never less than before.
  uint64_t seen_bytes() const { return seen_bytes_; }
  /// The same as the checkpoint knew it.
  uint64_t restored_bytes() const { return restored_bytes_; }
  /// What `reader` has to account for in the end.
  uint64_t ProducedFor(const Reader& reader) const {
    return seen_bytes_ + static_cast<uint64_t>(reader.produced_before);
  }
  /// What is not accounted for; zero unless there is a bug.
  int64_t ImbalanceOf(const Reader& reader) const;
  Position End() const;

  std::vector<Segment>& segments() { return segments_; }
  const std::vector<Segment>& segments() const { return segments_; }
  Segment* Find(uint32_t ordinal);
  /// The one after `ordinal` in the chain; null when that is the last.
  Segment* Next(uint32_t ordinal);
  /// True when there is a line to know the log by.
  bool identified() const { return identified_; }

  /// True when the last look has not shown what all files are.
  bool unclear() const { return unclear_; }

  LogState State(const std::vector<std::string>& route_names) const;
  /// Takes over a checkpoint's chain, and files of it that the escrow held; others are found by the
  /// next Reconcile.
  void Restore(const LogState& state, const std::vector<HeldFile>& held,
               const Surroundings& around);

 private:
  enum class Seen {
    kKnown,    // a segment
    kNew,      // no segment yet
    kNothing,  // not there any more, or of no use
    kUnclear,  // cannot be opened now
    kMoved,    // its name is gone or another's by now
  };
  struct Identified {
    Seen seen = Seen::kNothing;
    size_t segment = 0;
    std::shared_ptr<File> file = nullptr;  // where it had to be opened
    bool is_rewritten = false;             // it was a segment once, and was truncated since
  };

  /// To open a file, in vain so far.
  struct Tries {
    Duration since{0};  // monotonic
    int count = 0;
  };

  Identified Identify(const SegmentEntry& entry, bool last, const Surroundings& around);
  Identified IdentifyByContent(const SegmentEntry& entry, const std::shared_ptr<File>& file);
  Seen OpenEntry(const SegmentEntry& entry, const Surroundings& around,
                 std::shared_ptr<File>* file);
  void CountTries(const std::vector<SegmentEntry>& entries, const std::vector<Identified>& found,
                  Duration now);
  void AppendNew(const std::vector<SegmentEntry>& entries, std::vector<Identified>& found,
                 const Surroundings& around);
  void Add(const SegmentEntry& entry, std::shared_ptr<File> file, const Surroundings& around,
           uint32_t ordinal);
  Segment& Insert(Segment segment);
  bool IsFree(uint32_t ordinal);
  void PassOver(const SegmentEntry& entry, const Surroundings& around);
  void CountMissed(const std::string& name, const Surroundings& around);
  void Attach(Segment& segment, std::shared_ptr<File> file, const SegmentEntry& entry,
              const Surroundings& around);
  void Hold(Segment& segment, const Surroundings& around);
  void Release(Segment& segment, const Surroundings& around);
  HeldName HeldNameOf(const Segment& segment) const;
  void FindLosses(Reader& reader, Duration now, std::vector<Loss>* losses);
  void RestoreHeld(HeldFile held, bool has_successor, const Surroundings& around);
  void SetSuperseded(const std::string& newest, const Surroundings& around);
  void FindVanished(const Surroundings& around);
  // False when it could not be read now.
  bool SetIdentity(Segment& segment);
  bool Rewritten(Segment& segment, const FileStat& stat);
  void Grow(Segment& segment, uint64_t size);
  void Truncated(Segment& segment, uint64_t size, const Surroundings& around);
  bool SettledByAll(const Segment& segment) const;
  bool MayFinish(const Segment& segment, Duration now) const;
  Position Behind(const Segment& segment) const;

  uint64_t handle_;
  std::string directory_;
  uint32_t restart_;
  uint32_t next_ordinal_ = 0;
  bool identified_ = false;
  uint64_t seen_bytes_ = 0;
  uint64_t restored_bytes_ = 0;
  uint32_t restored_next_ordinal_ = 0;
  uint32_t restored_settled_before_ = 0;  // all routes were done with older segments
  bool unclear_ = false;                  // the last look has not shown what all files are
  std::map<FileId, Tries> unclear_files_;
  /// Files of the directory that are none of its segments. By their names, too: an inode comes
  /// back.
  std::set<std::pair<FileId, std::string>> passed_over_;
  std::vector<std::string> missed_;
  std::vector<Loss> late_;  // found, and settled already
  std::vector<Segment> segments_;
};

}  // namespace hinomi
