#include "shipper/source/log.h"

#include <algorithm>

#include "base/planted_bug.h"

namespace hinomi {
namespace {

// Between noticing that a file is gone and giving up what was not read of it: a copy of it may be
// about to be seen.
constexpr Duration kGoneGrace = std::chrono::seconds(1);
// What is on its way to a sink when its file is given up has that long to arrive.
constexpr Duration kFenceMax = std::chrono::seconds(30);

}  // namespace

SourceCounters::SourceCounters(Metrics& metrics)
    : segments_rotated(metrics.CounterOf("hinomi_segments_rotated_total",
                                         "Files of logs that were superseded by a newer one.")),
      segments_finished(metrics.CounterOf("hinomi_segments_finished_total",
                                          "Files of logs settled to their end.")),
      files_missed(metrics.CounterOf(
          "hinomi_log_files_missed_total",
          "Files of logs that went, or may have grown, without having been seen.")),
      open_errors(
          metrics.CounterOf("hinomi_log_open_errors_total",
                            "Log files and directories that could not be opened; retried.")),
      refused(metrics.CounterOf(
          "hinomi_log_links_refused_total",
          "Log files that are links to a place that is not allowed, or no files.")) {}

HeldName Log::HeldNameOf(const Segment& segment) const {
  return {directory_, restart_, segment.ordinal, segment.compressed};
}

void Log::Hold(Segment& segment, const Surroundings& around) {
  // The agent does not take its own events away before they are settled.
  if (segment.held || HoldsEvents(directory_) || (origin != nullptr && readers.empty())) return;
  segment.held = around.escrow.Hold(HeldNameOf(segment), *segment.file, segment.root);
}

void Log::Release(Segment& segment, const Surroundings& around) {
  if (std::exchange(segment.held, false)) around.escrow.Release(HeldNameOf(segment));
}

bool Log::SetIdentity(Segment& segment) {
  // Nothing to read cannot be read in vain: one of many empty files would hold up all others.
  const Result<FileStat> before = segment.file->Stat();
  if (before && before->size == 0) return true;
  const Result<std::string> head = ReadHead(*segment.file, format);
  if (!head) return head.error().kind == ErrorKind::kCorrupt;
  if (head->empty()) return true;
  // Truncated since its size was seen: what it begins with now is another segment's.
  const Result<FileStat> after = segment.file->Stat();
  if (after && after->size < segment.size) return false;
  const std::string_view text = *head;
  const std::string_view time = LeadingTime(text, format);
  const bool whole_line =
      text.find('\n') != std::string_view::npos || text.size() >= Fingerprint::kBytesMax;
  if (time.empty() && !whole_line && !segment.superseded) return true;
  const std::string_view printed = text.substr(0, Fingerprint::kBytesMax);
  segment.fingerprint = {static_cast<uint32_t>(printed.size()), Hash64Of(printed)};
  const std::string_view beginning = time.empty() ? text.substr(0, 64) : time;
  segment.key = Hash64Of(beginning) | 1;
  // docker gives all parts of a long line one time, and a part may begin a file.
  const bool taken = std::any_of(segments_.begin(), segments_.end(), [&](const Segment& other) {
    return &other != &segment && other.key == segment.key;
  });
  if (taken) segment.key = Hash64Of(beginning, segment.ordinal + 1) | 1;
  // What only the escrow has may be told by before files that are older.
  const bool oldest = restored_next_ordinal_ == 0 && &segment == &segments_.front();
  if (!identified_ || (oldest && origin == nullptr)) first_time = std::string(time);
  identified_ = true;
  return true;
}

// Whether the file no longer holds what was seen of it.
bool Log::Rewritten(Segment& segment, const FileStat& stat) {
  if (stat.size < segment.size) return !segment.compressed;
  const uint64_t printable = std::min<uint64_t>(stat.size, Fingerprint::kBytesMax);
  const bool extends = segment.identified() && segment.fingerprint.bytes < printable;
  const bool written = !segment.compressed && stat.modified != segment.modified;
  if (!extends && !written) return false;
  const Result<bool> same = MatchAndExtend(*segment.file, &segment.fingerprint);
  if (same) segment.modified = stat.modified;
  return same && !*same && !segment.compressed;
}

// What is in the file from now on is another segment.
void Log::Truncated(Segment& segment, uint64_t size, const Surroundings& around) {
  // A power cut takes the ends of files; then the kubelet starts every container with a new file,
  // so that nothing was added to what was seen before.
  const Result<bool> same = Matches(*segment.file, segment.fingerprint);
  const bool same_beginning = segment.identified() && format == LogFormat::kCri && size > 0 &&
                              size < segment.size && same && *same;
  Segment next;
  next.ordinal = next_ordinal_++;
  next.id = std::exchange(segment.id, {});
  next.name = std::exchange(segment.name, "");
  next.root = segment.root;
  next.superseded = segment.superseded;
  next.superseded_at = segment.superseded_at;
  next.file = segment.file;
  next.open_id = segment.open_id;
  Hold(next, around);  // before the other link goes: it may be the file's last name
  if (!same_beginning || segment.copy != nullptr) Release(segment, around);
  segment.superseded = true;
  segment.superseded_at = around.now - kSupersededGrace;
  if (segment.copy != nullptr) {
    segment.file = std::exchange(segment.copy, nullptr);
    segment.open_id = segment.copy_id;
    Hold(segment, around);
  } else if (same_beginning) {
    segment.copy_id = next.id;
    segment.GiveUp(LossReason::kTruncated, around.now, size);
    next.begin = next.size = size;
    next.fingerprint = segment.fingerprint;
  } else {
    segment.file.reset();
    segment.GiveUp(LossReason::kTruncated, around.now);
  }
  segments_.push_back(std::move(next));
}

// Where a file has grown that readers are done with, its writer held on to it for longer than the
// grace: they are in the next file by now.
void Log::Grow(Segment& segment, uint64_t size) {
  const uint64_t more = size - segment.size;
  SettledBytes late;
  late.lost[static_cast<size_t>(LossReason::kLate)] = more;
  for (Reader& reader : readers) {
    if (reader.read().at.segment <= segment.ordinal) continue;
    reader.AddPassed(segment.ordinal, late);
    late_.push_back({handle_,
                     reader.route(),
                     {segment.ordinal, segment.size},
                     more,
                     LossReason::kLate,
                     origin});
  }
  seen_bytes_ += more;
  segment.size = size;
}

void Log::Refresh(const Surroundings& around) {
  for (size_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    if (segment.file == nullptr || segment.gone) continue;
    const Result<FileStat> stat = segment.file->Stat();
    if (!stat) continue;
    if (Rewritten(segment, *stat)) {
      Truncated(segment, stat->size, around);
      continue;
    }
    if (stat->size > segment.size) Grow(segment, stat->size);
    if (!segment.identified()) SetIdentity(segment);
  }
}

Position Log::Behind(const Segment& segment) const {
  for (const Segment& next : segments_) {
    if (next.ordinal > segment.ordinal) return {next.ordinal, next.begin};
  }
  return {segment.ordinal, segment.size};
}

void Log::FindLosses(Duration now, std::vector<Loss>* losses) {
  losses->insert(losses->end(), late_.begin(), late_.end());
  late_.clear();
  for (Reader& reader : readers) {
    if (reader.idle() && !reader.leased) FindLosses(reader, now, losses);
  }
}

// What follows one another is lost in one go: a full disk cannot wait.
void Log::FindLosses(Reader& reader, Duration now, std::vector<Loss>* losses) {
  Position at = reader.read().at;
  for (const Segment& segment : segments_) {
    if (segment.ordinal < at.segment) continue;
    const uint64_t from = std::max(at.offset, segment.begin);
    const bool readable = from < segment.gone_from && segment.file != nullptr;
    if (segment.ordinal > at.segment || !segment.gone || readable) return;
    if (from >= segment.size) {
      if (at == reader.read().at && Behind(segment) > at) reader.Skip(Behind(segment));
      return;
    }
    if (now - segment.gone_at < kGoneGrace) return;
    losses->push_back({handle_, reader.route(), at, segment.size - from, *segment.gone, origin});
    at = Behind(segment);
  }
}

bool Log::IsFenced(const Reader& reader, Duration now) const {
  return std::any_of(segments_.begin(), segments_.end(), [&](const Segment& segment) {
    return segment.gone == LossReason::kEscrowFull && now - segment.gone_at >= kFenceMax &&
           segment.ordinal >= reader.settled().at.segment &&
           segment.ordinal <= reader.read().at.segment;
  });
}

bool Log::Settle(const Loss& loss) {
  const Segment* segment = Find(loss.begin.segment);
  for (Reader& reader : readers) {
    if (reader.route() != loss.route || reader.read().at != loss.begin) continue;
    if (segment == nullptr || !segment->gone || !reader.idle() || reader.leased) return false;
    SettledBytes outcome;
    outcome.lost[static_cast<size_t>(loss.reason)] = loss.bytes;
    reader.Pass({Behind(*segment), {}}, outcome);
    return true;
  }
  return false;
}

bool Log::SettledByAll(const Segment& segment) const {
  return std::all_of(readers.begin(), readers.end(), [&](const Reader& reader) {
    const Position& at = reader.settled().at;
    const bool at_end_of_all = at.segment == segment.ordinal && at.offset >= segment.size &&
                               &segment == &segments_.back() && segment.name.empty();
    return at.segment > segment.ordinal || (at_end_of_all && reader.idle());
  });
}

bool Log::MayFinish(const Segment& segment, Duration now) const {
  if (unclear_ || segment.finishing) return false;
  // Before it is introduced nobody has read it: its first line could not be read, or is yet to
  // come. What is lost of it by then is told after that, as long as there is a file to know it by.
  const bool may_have_line = segment.size > segment.begin || !segment.name.empty();
  const bool unread = origin == nullptr && may_have_line &&
                      std::any_of(segments_.begin(), segments_.end(),
                                  [](const Segment& known) { return known.file != nullptr; });
  return !unread && (segment.FinalAt(now) || segment.gone);
}

bool Log::MarkSettled(Duration now) {
  bool more = false;
  for (Segment& segment : segments_) {
    if (!MayFinish(segment, now)) continue;
    segment.finishing = SettledByAll(segment) || PlantedBug(Bug::kSegmentPrunedUnsettled);
    more = more || segment.finishing;
  }
  return more;
}

void Log::ReleaseSettled(const Surroundings& around) {
  for (Segment& segment : segments_) {
    if (!segment.finishing || segment.finished) continue;
    Release(segment, around);
    segment.file.reset();
    segment.copy.reset();
    segment.finished = true;
    around.counters.segments_finished.Add();
  }
}

void Log::LetGo(const Surroundings& around) {
  for (Segment& segment : segments_) Release(segment, around);
}

void Log::TakeUp(const Surroundings& around) {
  for (Segment& segment : segments_) {
    if (segment.file == nullptr || segment.finished) continue;
    segment.finishing = false;  // settled by others
    Hold(segment, around);
  }
}

bool Log::Prune() {
  segments_.erase(segments_.begin(),
                  std::find_if_not(segments_.begin(), segments_.end(), [](const Segment& segment) {
                    return segment.finished && segment.name.empty();
                  }));
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

int64_t Log::ImbalanceOf(const Reader& reader) const {
  return static_cast<int64_t>(ProducedFor(reader) - reader.settled_bytes().Total() -
                              reader.in_flight_bytes() - BytesAfter(reader.read().at));
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
    state.segments.push_back({segment.ordinal, segment.key, segment.id.inode,
                              segment.id.birth.count(), segment.copy_id.inode,
                              segment.copy_id.birth.count(), segment.fingerprint.bytes,
                              segment.fingerprint.hash, segment.begin, segment.size,
                              segment.gone ? segment.gone_from : 0});
  }
  for (const Reader& reader : readers) {
    const Cursor& cursor = PlantedBug(Bug::kCheckpointAhead) ? reader.read() : reader.settled();
    // What is not stored is seen anew.
    uint64_t seen_anew = 0;
    for (const Segment& segment : segments_) {
      if (!segment.identified() && segment.ordinal >= cursor.at.segment)
        seen_anew += segment.size - segment.begin;
    }
    state.readers.push_back({route_names[reader.route()], cursor.at, cursor.continuing,
                             ProducedFor(reader) - seen_anew, reader.settled_bytes(),
                             reader.levels.State()});
  }
  return state;
}

}  // namespace hinomi
