#include "shipper/source/log.h"

#include <algorithm>

#include "base/logging.h"
#include "base/planted_bug.h"

namespace hinomi {
namespace {

Counter Lost(Metrics& metrics, const std::string& reason) {
  return metrics.CounterOf("hinomi_log_bytes_lost_total",
                           "Bytes of logs that are gone before they could be shipped.",
                           {{"reason", reason}});
}

}  // namespace

SourceCounters::SourceCounters(Metrics& metrics)
    : segments_rotated(metrics.CounterOf("hinomi_segments_rotated_total",
                                         "Files of logs that were superseded by a newer one.")),
      segments_finished(metrics.CounterOf("hinomi_segments_finished_total",
                                          "Files of logs settled to their end.")),
      open_errors(
          metrics.CounterOf("hinomi_log_open_errors_total",
                            "Log files and directories that could not be opened; retried.")),
      refused(metrics.CounterOf(
          "hinomi_log_links_refused_total",
          "Log files that are links to a place that is not allowed, or no files.")),
      lost_truncated(Lost(metrics, "truncated")),
      lost_vanished(Lost(metrics, "vanished")),
      lost_late(Lost(metrics, "late")),
      before_since(metrics.CounterOf(
          "hinomi_log_bytes_dropped_total", "Bytes of logs that were left out on purpose.",
          {{"reason", std::string(ToString(DropReason::kBeforeSince))}})) {}

std::shared_ptr<File> Log::OpenEntry(const SegmentEntry& entry, const Surroundings& around) const {
  Result<std::unique_ptr<File>> file = around.files.Open(entry.root, entry.path);
  if (file) return std::move(*file);
  around.counters.open_errors.Add();
  if (origin == nullptr || !origin->own) {
    log::Warn("{}; it will be tried again", file.error().message);
  }
  return nullptr;
}

// The segment that `entry` is, by inode and birth, and by its first bytes when it comes from a
// checkpoint.
std::optional<size_t> Log::Known(const SegmentEntry& entry, const std::vector<bool>& used,
                                 const Surroundings& around) {
  for (size_t i = segments_.size(); i-- > 0;) {
    Segment& segment = segments_[i];
    if (i >= used.size() || used[i] || segment.inode != entry.stat.inode) continue;
    if (segment.birth != entry.stat.birth && !PlantedBug(Bug::kInodeAlone)) continue;
    if (segment.file != nullptr) return i;
    // If it cannot be opened or read now it is still there: what is unread of it is not lost.
    const std::shared_ptr<File> file = OpenEntry(entry, around);
    if (file == nullptr) return i;
    const Result<bool> same =
        PlantedBug(Bug::kInodeAlone) ? true : Matches(*file, segment.fingerprint);
    if (!same) return i;
    if (!*same) continue;
    segment.file = file;
    return i;
  }
  return std::nullopt;
}

void Log::Reconcile(const std::vector<SegmentEntry>& entries, const Surroundings& around) {
  const size_t before = segments_.size();
  std::vector<bool> used(before, false);
  std::vector<const SegmentEntry*> fresh;
  for (const SegmentEntry& entry : entries) {
    const std::optional<size_t> known = Known(entry, used, around);
    if (!known) {
      fresh.push_back(&entry);
      continue;
    }
    used[*known] = true;
    segments_[*known].name = entry.name;
  }
  for (size_t i = 0; i < before; ++i) {
    if (!used[i]) segments_[i].name.clear();
  }
  for (const SegmentEntry* entry : fresh) Append(*entry, around);
  for (size_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    const bool last = i + 1 == segments_.size();
    const bool was_superseded = segment.superseded;
    segment.superseded = !last || segment.name.empty();
    if (was_superseded || !segment.superseded) continue;
    segment.superseded_at = around.now;
    if (!last) around.counters.segments_rotated.Add();
  }
  Refresh(around);
  SkipMissing(around.counters);
}

void Log::Append(const SegmentEntry& entry, const Surroundings& around) {
  std::shared_ptr<File> file = OpenEntry(entry, around);
  if (file == nullptr) return;
  // The name may have changed hands since it was listed.
  const Result<FileStat> stat = file->Stat();
  if (!stat || stat->inode != entry.stat.inode) return;
  Segment segment;
  segment.ordinal = next_ordinal_++;
  segment.inode = stat->inode;
  segment.birth = stat->birth;
  segment.name = entry.name;
  segment.file = std::move(file);
  segment.size = stat->size;
  if (stat->modified < around.modified_before && stat->size > 0) {
    segment.begin = stat->size;
    around.counters.before_since.Add(static_cast<double>(stat->size));
  }
  segments_.push_back(std::move(segment));
}

void Log::Identify(Segment& segment) {
  const Result<std::string> head = ReadHead(*segment.file, format);
  if (!head || head->empty()) return;
  const std::string_view text = *head;
  const std::string_view time = LeadingTime(text, format);
  const bool whole_line =
      text.find('\n') != std::string_view::npos || text.size() >= Fingerprint::kBytesMax;
  if (time.empty() && !whole_line && !segment.superseded) return;
  const std::string_view printed = text.substr(0, Fingerprint::kBytesMax);
  segment.fingerprint = {static_cast<uint32_t>(printed.size()), Hash64Of(printed)};
  // The birth time makes it unique and the first line's time makes it stable where there is no
  // birth time. Not the ordinal: it starts anew when a checkpoint is lost, and the documents' ids
  // with it.
  const uint64_t seed =
      static_cast<uint64_t>(segment.birth.count()) ^ (segment.inode << 1) ^ (segment.salt << 48);
  segment.key = Hash64Of(time.empty() ? text.substr(0, 64) : time, seed) | 1;
  if (!identified_) first_time = std::string(time);
  identified_ = true;
}

// The file was cut shorter than what has been seen of it: what is in it from now on is another
// segment.
void Log::Truncated(Segment& segment, const Surroundings& around) {
  Segment next;
  next.ordinal = next_ordinal_++;
  next.salt = next.ordinal;
  next.inode = std::exchange(segment.inode, 0);
  next.birth = segment.birth;
  next.name = std::exchange(segment.name, "");
  next.file = std::exchange(segment.file, nullptr);
  segment.truncated = true;
  segment.superseded = true;
  segment.superseded_at = around.now - kSupersededGrace;
  log::Error("\"{}/{}\" was truncated; what was not read of its {} bytes is lost", directory_,
             next.name, segment.size);
  segments_.push_back(std::move(next));
}

// A file that was done with has grown: its writer held on to it for longer than the grace. The
// readers are in the next file by now.
void Log::Grow(Segment& segment, uint64_t size, const Surroundings& around) {
  const bool passed = std::any_of(readers.begin(), readers.end(), [&](const Reader& reader) {
    return reader.read().at.segment > segment.ordinal;
  });
  if (passed) {
    const uint64_t late = size - segment.size;
    around.counters.lost_late.Add(static_cast<double>(late));
    log::Error("{} bytes of \"{}/{}\" are lost: they were written long after the file was rotated",
               late, directory_, segment.name);
  }
  segment.size = size;
}

void Log::Refresh(const Surroundings& around) {
  for (size_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    if (segment.file == nullptr) continue;
    const Result<FileStat> stat = segment.file->Stat();
    if (!stat) continue;
    if (stat->size < segment.size) {
      Truncated(segment, around);
      continue;
    }
    if (stat->size > segment.size) Grow(segment, stat->size, around);
    if (!segment.identified()) {
      Identify(segment);
    } else if (segment.fingerprint.bytes < Fingerprint::kBytesMax &&
               segment.fingerprint.bytes < segment.size) {
      const Result<Fingerprint> longer = FingerprintOf(*segment.file, Fingerprint::kBytesMax);
      if (longer) segment.fingerprint = *longer;
    }
  }
}

void Log::SkipMissing(SourceCounters& counters) {
  for (size_t i = 0; i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    if (segment.file != nullptr || !segment.name.empty()) continue;
    for (Reader& reader : readers) {
      const Position at = reader.read().at;
      if (at.segment != segment.ordinal || !reader.idle() || reader.leased) continue;
      if (at.offset < segment.size) {
        const uint64_t lost = segment.size - at.offset;
        (segment.truncated ? counters.lost_truncated : counters.lost_vanished)
            .Add(static_cast<double>(lost));
        log::Error("{} bytes of \"{}/{}.log\" are lost: the file was {} before they were read",
                   lost, directory_, restart_, segment.truncated ? "truncated" : "removed");
      }
      if (i + 1 < segments_.size()) {
        reader.Skip({segments_[i + 1].ordinal, segments_[i + 1].begin});
      } else {
        reader.Skip({segment.ordinal, std::max(at.offset, segment.size)});
      }
    }
  }
}

bool Log::Prune(Duration now, SourceCounters& counters) {
  while (!segments_.empty()) {
    Segment& segment = segments_.front();
    if (!segment.superseded || (segment.file != nullptr && !segment.FinalAt(now))) break;
    // While its name is there it must stay known, or it would be taken for a new file; only the
    // descriptor can go.
    bool settled = true;
    for (const Reader& reader : readers) {
      const Position& at = reader.settled().at;
      settled =
          settled && reader.idle() &&
          (at.segment > segment.ordinal ||
           (at.segment == segment.ordinal && at.offset >= segment.size && segments_.size() == 1));
    }
    if (PlantedBug(Bug::kSegmentPrunedUnsettled)) settled = true;
    if (!settled || !segment.name.empty()) break;
    counters.segments_finished.Add();
    segments_.pop_front();
  }
  return segments_.empty();
}

Segment* Log::Find(uint32_t ordinal) {
  if (segments_.empty() || ordinal < segments_.front().ordinal) return nullptr;
  const auto found =
      std::find_if(segments_.begin(), segments_.end(),
                   [ordinal](const Segment& segment) { return segment.ordinal == ordinal; });
  return found == segments_.end() ? nullptr : &*found;
}

Segment* Log::Next(uint32_t ordinal) {
  for (Segment& segment : segments_) {
    if (segment.ordinal > ordinal) return &segment;
  }
  return nullptr;
}

uint64_t Log::BytesAfter(const Position& at) const {
  uint64_t bytes = 0;
  for (const Segment& segment : segments_) {
    if (segment.ordinal < at.segment) continue;
    const uint64_t from =
        segment.ordinal == at.segment ? std::max(at.offset, segment.begin) : segment.begin;
    bytes += segment.size - std::min(segment.size, from);
  }
  return bytes;
}

Position Log::End() const {
  if (segments_.empty()) return {next_ordinal_, 0};
  return {segments_.back().ordinal, segments_.back().size};
}

LogState Log::State(const std::vector<std::string>& route_names) const {
  LogState state{directory_, restart_, first_time, next_ordinal_, {}, {}};
  for (const Segment& segment : segments_) {
    if (!segment.identified()) continue;
    state.next_ordinal = segment.ordinal + 1;
    state.segments.push_back({segment.ordinal, segment.key, segment.inode, segment.birth.count(),
                              segment.fingerprint.bytes, segment.fingerprint.hash, segment.begin,
                              segment.size});
  }
  for (const Reader& reader : readers) {
    const Cursor& cursor = PlantedBug(Bug::kCheckpointAhead) ? reader.read() : reader.settled();
    state.readers.push_back({route_names[reader.route()], cursor.at, cursor.continuing});
  }
  return state;
}

void Log::Restore(const LogState& state) {
  first_time = state.first_time;
  identified_ = !state.segments.empty();
  next_ordinal_ = state.next_ordinal;
  for (const SegmentState& stored : state.segments) {
    Segment segment;
    segment.ordinal = stored.ordinal;
    segment.key = stored.key;
    segment.inode = stored.inode;
    segment.birth = Duration(stored.birth_nanoseconds);
    segment.fingerprint = {stored.fingerprint_bytes, stored.fingerprint};
    segment.begin = stored.begin;
    segment.size = stored.size;
    segments_.push_back(std::move(segment));
  }
}

}  // namespace hinomi
