// One container instance's log: the chain of its segments, and each route's reader of it. The chain
// is kept true to its directory by Reconcile. No lock of its own: LogStore's guards it.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "shipper/source/reader.h"
#include "shipper/source/segment.h"

namespace hinomi {

/// A plain file of a log as its directory shows it, oldest first.
struct SegmentEntry {
  std::string name;
  std::string root;  // that it is opened below, links resolved
  std::string path;  // below the root
  FileStat stat;
};

/// What the source counts about files.
struct SourceCounters {
  explicit SourceCounters(Metrics& metrics);
  Counter segments_rotated;
  Counter segments_finished;
  Counter open_errors;
  Counter refused;
  Counter lost_truncated;
  Counter lost_vanished;
  Counter lost_late;
  Counter before_since;
};

class Log {
 public:
  Log(uint64_t handle, std::string directory, uint32_t restart)
      : handle_(handle), directory_(std::move(directory)), restart_(restart) {}

  uint64_t handle() const { return handle_; }
  const std::string& directory() const { return directory_; }
  uint32_t restart() const { return restart_; }

  /// What all of this log's records have in common; set once its first line is complete.
  std::shared_ptr<const Origin> origin;
  std::string first_time;  // RFC 3339, of the first line; empty when that was not of the format
  LogFormat format = LogFormat::kCri;
  std::string path;  // of the current file as the node sees it
  std::vector<Reader> readers;

  struct Surroundings {
    FileSystem& files;
    SourceCounters& counters;
    Duration now;              // monotonic
    Duration modified_before;  // Unix time; files not written to since are left out when first seen
  };

  /// Makes the chain agree with what the directory shows. Errors with single files are counted,
  /// logged and retried by the next call.
  void Reconcile(const std::vector<SegmentEntry>& entries, const Surroundings& around);

  /// Looks at the open files: sizes, first lines, truncation. Cheap; called when a file was written
  /// to.
  void Refresh(const Surroundings& around);

  /// Moves readers over segments whose files are gone, and counts what they had not read of them as
  /// lost.
  void SkipMissing(SourceCounters& counters);

  /// Drops segments that every reader has settled and that cannot grow. True when nothing of the
  /// log is left.
  bool Prune(Duration now, SourceCounters& counters);

  /// Bytes between `at` and the end of what has been seen.
  uint64_t BytesAfter(const Position& at) const;
  Position End() const;

  std::deque<Segment>& segments() { return segments_; }
  const std::deque<Segment>& segments() const { return segments_; }
  Segment* Find(uint32_t ordinal);
  /// The one after `ordinal` in the chain; null when that is the last.
  Segment* Next(uint32_t ordinal);
  /// True when there is a line to know the log by.
  bool identified() const { return identified_; }

  LogState State(const std::vector<std::string>& route_names) const;
  /// Takes over a checkpoint's chain; the files are found by the next Reconcile.
  void Restore(const LogState& state);

 private:
  void Append(const SegmentEntry& entry, const Surroundings& around);
  void Identify(Segment& segment);
  void Grow(Segment& segment, uint64_t size, const Surroundings& around);
  void Truncated(Segment& segment, const Surroundings& around);
  std::optional<size_t> Known(const SegmentEntry& entry, const std::vector<bool>& used,
                              const Surroundings& around);
  std::shared_ptr<File> OpenEntry(const SegmentEntry& entry, const Surroundings& around) const;

  uint64_t handle_;
  std::string directory_;
  uint32_t restart_;
  uint32_t next_ordinal_ = 0;
  bool identified_ = false;
  std::deque<Segment> segments_;
};

}  // namespace hinomi
