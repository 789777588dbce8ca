#include "shipper/source/log.h"

#include <algorithm>
#include <cerrno>

#include "base/logging.h"
#include "base/planted_bug.h"

namespace hinomi {
namespace {

// A file that cannot be opened holds up those that come after it for no longer than this.
constexpr Duration kUnclearMax = std::chrono::seconds(60);
// Between noticing that a file is gone and giving up what was not read of it: a copy of it may be
// about to be seen.
constexpr Duration kGoneGrace = std::chrono::seconds(1);

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

Log::Seen Log::OpenEntry(const SegmentEntry& entry, const Surroundings& around,
                         std::shared_ptr<File>* file) {
  Result<std::unique_ptr<File>> opened = around.files.Open(entry.root, entry.path);
  // The name may have changed hands since it was listed.
  const Result<FileStat> stat = opened ? (*opened)->Stat() : opened.error();
  if (opened && entry.compressed) {
    Result<std::unique_ptr<GunzipFile>> content =
        GunzipFile::Open(std::move(*opened), around.gunzip);
    opened = content ? Result<std::unique_ptr<File>>(std::move(*content)) : content.error();
  }
  if (opened && stat) {
    if (FileId{stat->inode, stat->birth} != entry.id()) return Seen::kUnclear;
    *file = std::move(*opened);
    return Seen::kNew;
  }
  const Error& error = opened ? stat.error() : opened.error();
  // The file itself may live on under another name.
  if (error.code == ENOENT) return Seen::kUnclear;
  around.counters.open_errors.Add();
  const bool damaged = error.kind == ErrorKind::kCorrupt;
  if (origin == nullptr || !origin->own) {
    log::Warn("{}; {}", error.message, damaged ? "it is left alone" : "it will be tried again");
  }
  return damaged ? Seen::kNothing : Seen::kUnclear;
}

// Which segment `entry` is: by inode and birth, and by its first bytes where no descriptor proves
// that the inode is still the same file's.
Log::Identified Log::Identify(const SegmentEntry& entry, bool last, const Surroundings& around) {
  std::shared_ptr<File> file;
  for (size_t i = segments_.size(); i-- > 0;) {
    Segment& segment = segments_[i];
    if (segment.id != entry.id() && segment.copy_id != entry.id()) continue;
    const bool same_life = entry.stat.birth != Duration{0};
    if (segment.file != nullptr || (segment.finished && same_life)) return {Seen::kKnown, i};
    // If it cannot be opened or read now it is still there: what is unread of it is not lost.
    const Seen opened = file == nullptr ? OpenEntry(entry, around, &file) : Seen::kNew;
    if (opened != Seen::kNew) return {opened, i};
    const Result<bool> same =
        PlantedBug(Bug::kInodeAlone) ? true : Matches(*file, segment.fingerprint);
    if (!same) return {Seen::kUnclear, i};
    if (!*same) continue;
    if (!segment.finished) Attach(segment, file, entry, around);
    return {Seen::kKnown, i};
  }
  if (passed_over_.contains(entry.id())) return {};
  const Seen opened = file == nullptr ? OpenEntry(entry, around, &file) : Seen::kNew;
  if (opened != Seen::kNew) {
    if (opened == Seen::kNothing) passed_over_.insert(entry.id());
    return {opened};
  }
  // The file that is being written to is nobody's copy.
  return last ? Identified{Seen::kNew, 0, file} : IdentifyByContent(entry, file);
}

// A file under another inode may hold what a segment holds: compressed by the kubelet, or copied
// before the original was truncated.
Log::Identified Log::IdentifyByContent(const SegmentEntry& entry,
                                       const std::shared_ptr<File>& file) {
  for (size_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    if (!segment.fingerprint.telling()) continue;
    const Result<bool> same = Matches(*file, segment.fingerprint);
    if (!same && same.error().kind == ErrorKind::kCorrupt) return {};
    if (!same) return {Seen::kUnclear};
    if (!*same) continue;
    segment.copy_id = entry.id();
    if (segment.file == nullptr) return {Seen::kKnown, i, file};
    if (!entry.compressed) segment.copy = file;
    return {Seen::kKnown, i};
  }
  return {Seen::kNew, 0, file};
}

void Log::Attach(Segment& segment, std::shared_ptr<File> file, const SegmentEntry& entry,
                 const Surroundings& around) {
  Release(segment, around);
  segment.file = std::move(file);
  segment.root = entry.root;
  segment.compressed = entry.compressed;
  segment.gone.reset();
  Hold(segment, around);
}

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

bool Log::Reconcile(const std::vector<SegmentEntry>& entries, const Surroundings& around) {
  // What came from the escrow and is in no checkpoint yet: it may be here too, but compressed.
  for (Segment& segment : segments_) {
    if (segment.file != nullptr && !segment.identified()) SetIdentity(segment);
  }
  std::vector<Identified> found;
  bool unclear = false;
  for (size_t i = 0; i < entries.size(); ++i) {
    const bool last = i + 1 == entries.size();
    found.push_back(Identify(entries[i], last && !entries[i].compressed, around));
    Identified& one = found.back();
    unclear = unclear || one.seen == Seen::kUnclear;
    if (one.seen == Seen::kKnown && one.file != nullptr && !segments_[one.segment].finished) {
      Attach(segments_[one.segment], one.file, entries[i], around);
    }
  }
  if (!unclear) {
    unclear_since_.reset();
    std::erase_if(passed_over_, [&](const FileId& id) {
      return std::none_of(entries.begin(), entries.end(),
                          [&](const SegmentEntry& entry) { return entry.id() == id; });
    });
    // While something cannot be opened, nobody can say which names are gone.
    for (Segment& segment : segments_) segment.name.clear();
  } else if (!unclear_since_) {
    unclear_since_ = around.now;
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    if (found[i].seen != Seen::kKnown) continue;
    Segment& segment = segments_[found[i].segment];
    segment.name = entries[i].name;
    // Nobody looks at it any more, but its writer may still have it.
    const bool grown = segment.id == entries[i].id() && entries[i].stat.size > segment.size;
    if (segment.finished && !segment.gone && grown) Grow(segment, entries[i].stat.size);
  }
  AppendNew(entries, found, around);
  if (!unclear) SetSuperseded(around);
  Refresh(around);
  if (!unclear) FindVanished(around);
  return !unclear;
}

// In the order of the directory. A file that sorts before a known one was there when that one was
// first seen, and was dealt with then, unless the log is known by files of the escrow alone.
void Log::AppendNew(const std::vector<SegmentEntry>& entries, std::vector<Identified>& found,
                    const Surroundings& around) {
  size_t first = 0;
  size_t first_known = found.size();
  for (size_t i = found.size(); i-- > 0;) {
    if (found[i].seen != Seen::kKnown) continue;
    first = std::max(first, i + 1);
    first_known = i;
  }
  const bool only_held = std::exchange(only_held_, false);
  for (size_t i = first; i-- > 0;) {
    if (found[i].seen != Seen::kNew) continue;
    const bool free = i < first_known && segments_.front().ordinal > 0;
    if (only_held && free) {
      Add(entries[i], std::move(found[i].file), around, /*front=*/true);
    } else {
      PassOver(entries[i], around);
    }
  }
  for (size_t i = first; i < found.size(); ++i) {
    if (found[i].seen == Seen::kUnclear && !passed_over_.contains(entries[i].id())) {
      if (around.now - *unclear_since_ < kUnclearMax) return;
      PassOver(entries[i], around);
      log::Error("\"{}/{}\" is given up: it cannot be opened", directory_, entries[i].name);
    }
    if (found[i].seen == Seen::kNew) {
      Add(entries[i], std::move(found[i].file), around, /*front=*/false);
    }
  }
}

void Log::PassOver(const SegmentEntry& entry, const Surroundings& around) {
  passed_over_.insert(entry.id());
  CountMissed(entry.name, around);
}

void Log::CountMissed(const std::string& name, const Surroundings& around) {
  missed_.push_back(name);
  around.counters.files_missed.Add();
}

void Log::Add(const SegmentEntry& entry, std::shared_ptr<File> file, const Surroundings& around,
              bool front) {
  const Result<FileStat> stat = file->Stat();
  if (!stat) return;
  Segment segment;
  segment.ordinal = front ? segments_.front().ordinal - 1 : next_ordinal_++;
  segment.id = entry.id();
  segment.name = entry.name;
  segment.size = stat->size;
  seen_bytes_ += stat->size;
  if (stat->modified < around.modified_before && stat->size > 0) {
    segment.begin = stat->size;
    SettledBytes left_out;
    left_out.dropped[static_cast<size_t>(DropReason::kBeforeSince)] = stat->size;
    for (Reader& reader : readers) reader.Account(left_out);
  }
  Attach(segment, std::move(file), entry, around);
  if (front) {
    segments_.push_front(std::move(segment));
  } else {
    segments_.push_back(std::move(segment));
  }
}

void Log::SetSuperseded(const Surroundings& around) {
  for (size_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    const bool last = i + 1 == segments_.size();
    const bool was_superseded = segment.superseded;
    segment.superseded = !last || segment.name.empty() || segment.compressed || segment.gone;
    if (was_superseded || !segment.superseded) continue;
    segment.superseded_at = segment.compressed ? around.now - kSupersededGrace : around.now;
    if (!last) around.counters.segments_rotated.Add();
  }
}

void Log::FindVanished(const Surroundings& around) {
  for (Segment& segment : segments_) {
    if (segment.file != nullptr || !segment.name.empty() || segment.finished || segment.gone) {
      continue;
    }
    segment.GiveUp(around.vanished, around.now);
    // The last one may have been written to after it was seen for the last time.
    if (segment.ordinal + 1 == restored_next_ordinal_) {
      CountMissed(std::to_string(restart_) + ".log", around);
    }
  }
}

void Log::SetIdentity(Segment& segment) {
  const Result<std::string> head = ReadHead(*segment.file, format);
  if (!head || head->empty()) return;
  const std::string_view text = *head;
  const std::string_view time = LeadingTime(text, format);
  const bool whole_line =
      text.find('\n') != std::string_view::npos || text.size() >= Fingerprint::kBytesMax;
  if (time.empty() && !whole_line && !segment.superseded) return;
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
}

// Whether the file no longer holds what was seen of it.
bool Log::Rewritten(Segment& segment, const FileStat& stat) {
  if (segment.compressed) return false;
  if (stat.size < segment.size) return true;
  if (stat.modified == std::exchange(segment.modified, stat.modified)) return false;
  const Result<bool> same = Matches(*segment.file, segment.fingerprint);
  return same && !*same;
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
  Release(segment, around);
  next.file = segment.file;
  segment.superseded = true;
  segment.superseded_at = around.now - kSupersededGrace;
  if (segment.copy != nullptr) {
    segment.file = std::exchange(segment.copy, nullptr);
    Hold(segment, around);
  } else if (same_beginning) {
    segment.GiveUp(LossReason::kTruncated, around.now, size);
    next.begin = next.size = size;
    next.fingerprint = segment.fingerprint;
  } else {
    segment.file.reset();
    segment.GiveUp(LossReason::kTruncated, around.now);
  }
  Hold(next, around);
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
    reader.Account(late);
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
    if (!segment.identified()) {
      SetIdentity(segment);
    } else if (segment.fingerprint.bytes < Fingerprint::kBytesMax &&
               segment.fingerprint.bytes < segment.size) {
      const Result<Fingerprint> longer = FingerprintOf(*segment.file, Fingerprint::kBytesMax);
      if (longer) segment.fingerprint = *longer;
    }
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
  for (const Segment& segment : segments_) {
    if (!segment.gone) continue;
    for (Reader& reader : readers) {
      const Position at = reader.read().at;
      if (at.segment != segment.ordinal || !reader.idle() || reader.leased) continue;
      const uint64_t from = std::max(at.offset, segment.begin);
      if (from < segment.gone_from && segment.file != nullptr) continue;
      if (from >= segment.size) {
        if (Behind(segment) > at) reader.Skip(Behind(segment));
      } else if (now - segment.gone_at >= kGoneGrace) {
        losses->push_back(
            {handle_, reader.route(), at, segment.size - from, *segment.gone, origin});
      }
    }
  }
}

bool Log::Settle(const Loss& loss) {
  const Segment* segment = Find(loss.begin.segment);
  for (Reader& reader : readers) {
    if (reader.route() != loss.route || reader.read().at != loss.begin) continue;
    if (segment == nullptr || !segment->gone || !reader.idle() || reader.leased) return false;
    SettledBytes outcome;
    outcome.lost[static_cast<size_t>(loss.reason)] = loss.bytes;
    reader.Lose(Behind(*segment), outcome);
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
  if (unclear_since_ || segment.finishing) return false;
  // Before it is introduced nobody has read it: its first line could not be read yet.
  const bool unread = origin == nullptr && segment.file != nullptr && segment.size > segment.begin;
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

bool Log::Prune() {
  while (!segments_.empty() && segments_.front().finished && segments_.front().name.empty()) {
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
                              segment.fingerprint.hash, segment.begin, segment.size});
  }
  for (const Reader& reader : readers) {
    const Cursor& cursor = PlantedBug(Bug::kCheckpointAhead) ? reader.read() : reader.settled();
    state.readers.push_back({route_names[reader.route()], cursor.at, cursor.continuing,
                             ProducedFor(reader), reader.settled_bytes()});
  }
  return state;
}

void Log::Restore(const LogState& state, std::vector<HeldFile> held, const Surroundings& around) {
  first_time = state.first_time;
  identified_ = !state.segments.empty();
  next_ordinal_ = state.next_ordinal;
  restored_next_ordinal_ = state.next_ordinal;
  for (const SegmentState& stored : state.segments) {
    Segment segment;
    segment.ordinal = stored.ordinal;
    segment.key = stored.key;
    segment.id = {stored.inode, Duration(stored.birth_nanoseconds)};
    segment.copy_id = {stored.copy_inode, Duration(stored.copy_birth_nanoseconds)};
    segment.fingerprint = {stored.fingerprint_bytes, stored.fingerprint};
    segment.begin = stored.begin;
    segment.size = stored.size;
    seen_bytes_ += stored.size;
    segments_.push_back(std::move(segment));
  }
  restored_bytes_ = seen_bytes_;
  only_held_ = state.segments.empty() && !held.empty();
  for (HeldFile& file : held) RestoreHeld(std::move(file), around);
}

void Log::RestoreHeld(HeldFile held, const Surroundings& around) {
  const FileId id{held.stat.inode, held.stat.birth};
  std::shared_ptr<File> file = std::move(held.file);
  if (held.name.compressed) {
    Result<std::unique_ptr<GunzipFile>> content = GunzipFile::Open(std::move(file), around.gunzip);
    if (!content) return around.escrow.Release(held.name);
    file = std::move(*content);
  }
  char first = 0;
  if (file->ReadAt(0, &first, 1)) format = first == '{' ? LogFormat::kJsonFile : LogFormat::kCri;
  if (Segment* segment = Find(held.name.ordinal); segment != nullptr) {
    const Result<bool> same = Matches(*file, segment->fingerprint);
    if (segment->id != id && segment->copy_id != id) return around.escrow.Release(held.name);
    if (!same || *same) {
      segment->file = std::move(file);
      segment->compressed = held.name.compressed;
      segment->held = true;
      return;
    }
    // It was truncated meanwhile: what it holds now is another segment.
    segment->id = {};
  } else if (held.name.ordinal < restored_next_ordinal_) {
    return around.escrow.Release(held.name);  // settled, and the agent ended before it let go of it
  }
  Segment segment;
  segment.ordinal = std::max(next_ordinal_, held.name.ordinal);
  next_ordinal_ = segment.ordinal + 1;
  segment.id = id;
  segment.file = std::move(file);
  segment.compressed = held.name.compressed;
  segment.held = true;
  if (segment.ordinal != held.name.ordinal) {
    segment.held = false;
    Hold(segment, around);
    around.escrow.Release(held.name);
  }
  segments_.push_back(std::move(segment));
}

}  // namespace hinomi
