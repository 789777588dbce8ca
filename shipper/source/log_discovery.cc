// Which file of its directory, or of the escrow, is which segment of a log.
#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/logging.h"
#include "base/planted_bug.h"
#include "shipper/source/log.h"

namespace hinomi {
namespace {

// A file that cannot be opened holds up those that come after it for no longer than this, if it was
// tried so often: time alone may have passed while the process stood still.
constexpr Duration kUnclearMax = std::chrono::seconds(60);
constexpr int kTriesMin = 10;

FileId IdOf(const HeldFile& held) { return {held.stat.inode, held.stat.birth}; }

// What proves that a file holds what a segment holds, whatever its inode is.
struct Content {
  std::string head;
  bool timed = false;
  std::optional<uint64_t> size;  // where it changes no more
};

Result<Content> ContentOf(File& file, const SegmentEntry& entry, LogFormat format) {
  Content content{std::string(Fingerprint::kBytesMax, '\0'), false, std::nullopt};
  const Result<size_t> count = file.ReadAt(0, content.head.data(), content.head.size());
  if (!count) return count.error();
  content.head.resize(*count);
  content.timed = !LeadingTime(content.head, format).empty();
  const Result<FileStat> stat = file.Stat();
  if (entry.compressed && stat) content.size = stat->size;
  return content;
}

bool Proves(const Content& content, const Segment& segment) {
  const Fingerprint& print = segment.fingerprint;
  // Files that begin with no time, such as with garbage, may well begin alike.
  if (content.size != segment.size && !(content.timed && print.telling())) return false;
  if (print.bytes == 0 || print.bytes > content.head.size()) return false;
  return Hash64Of(std::string_view(content.head).substr(0, print.bytes)) == print.hash;
}

Result<bool> HoldsSame(File& file, const SegmentEntry& entry, const Segment& segment,
                       LogFormat format) {
  const Result<Content> content = ContentOf(file, entry, format);
  if (!content) return content.error();
  return Proves(*content, segment);
}

}  // namespace

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
    if (FileId{stat->inode, stat->birth} != entry.id()) return Seen::kMoved;
    *file = std::move(*opened);
    return Seen::kNew;
  }
  const Error& error = opened ? stat.error() : opened.error();
  // The file itself may live on under another name.
  if (error.code == ENOENT) return Seen::kMoved;
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
  bool is_rewritten = false;
  for (size_t i = segments_.size(); i-- > 0;) {
    Segment& segment = segments_[i];
    const bool original = segment.id == entry.id();
    if (!original && segment.copy_id != entry.id()) continue;
    const bool open = (segment.file != nullptr && segment.open_id == entry.id()) ||
                      (segment.copy != nullptr && !original);
    // What is finished was there for longer than a birth time is coarse; a copy need not have been.
    const bool same_life =
        entry.stat.birth != Duration{0} && (original || entry.name == segment.name);
    if (open || (segment.finished && same_life)) return {Seen::kKnown, i};
    // If it cannot be opened or read now it is still there: what is unread of it is not lost.
    const Seen opened = file == nullptr ? OpenEntry(entry, around, &file) : Seen::kNew;
    if (opened != Seen::kNew) return {opened, i};
    // The name of a rotated file has a time, where docker does not rotate, and does not come back.
    const bool own_name = !last && format == LogFormat::kCri;
    const bool same_nothing = entry.name == segment.name && (entry.stat.size == 0 || own_name);
    // An inode comes back: that of a copy at any time, and what is settled is the newest no more.
    const bool by_inode = original && !(last && segment.finished);
    Result<bool> same =
        by_inode ? Matches(*file, segment.fingerprint) : HoldsSame(*file, entry, segment, format);
    if (segment.fingerprint.bytes == 0) same = same_nothing;
    if (PlantedBug(Bug::kInodeAlone)) same = true;
    if (!same) return {Seen::kUnclear, i};
    if (!*same && !original) segment.copy_id = {};
    // Without a birth time it may as well be another file.
    const bool same_file = original && entry.stat.birth != Duration{0};
    is_rewritten = is_rewritten || (!*same && same_file && !segment.finished);
    if (!*same) continue;
    if (!segment.finished && segment.file == nullptr) Attach(segment, file, entry, around);
    return {Seen::kKnown, i};
  }
  if (passed_over_.contains({entry.id(), entry.name})) return {};
  const Seen opened = file == nullptr ? OpenEntry(entry, around, &file) : Seen::kNew;
  if (opened != Seen::kNew) {
    if (opened == Seen::kNothing) passed_over_.insert({entry.id(), entry.name});
    return {opened};
  }
  // The file that is being written to is nobody's copy.
  Identified found = last ? Identified{Seen::kNew, 0, file} : IdentifyByContent(entry, file);
  found.is_rewritten = is_rewritten;
  return found;
}

// A file under another inode may hold what a segment holds: compressed by the kubelet, or copied
// before the original was truncated.
Log::Identified Log::IdentifyByContent(const SegmentEntry& entry,
                                       const std::shared_ptr<File>& file) {
  const Result<Content> content = ContentOf(*file, entry, format);
  if (!content) {
    return {content.error().kind == ErrorKind::kCorrupt ? Seen::kNothing : Seen::kUnclear};
  }
  for (size_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    if (segment.file != nullptr && !segment.identified() && !SetIdentity(segment)) {
      return {Seen::kUnclear};
    }
    if (!Proves(*content, segment)) continue;
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
  segment.open_id = entry.id();
  segment.root = entry.root;
  segment.compressed = entry.compressed;
  segment.gone.reset();
  Hold(segment, around);
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
    unclear = unclear || one.seen == Seen::kUnclear || one.seen == Seen::kMoved;
    if (one.seen == Seen::kKnown && one.file != nullptr && !segments_[one.segment].finished) {
      Attach(segments_[one.segment], one.file, entries[i], around);
    }
  }
  unclear_ = unclear;
  CountTries(entries, found, around.now);
  if (!unclear) {
    std::erase_if(passed_over_, [&](const auto& known) {
      return std::none_of(entries.begin(), entries.end(), [&](const SegmentEntry& entry) {
        return entry.id() == known.first && entry.name == known.second;
      });
    });
    // While something cannot be opened, nobody can say which names are gone.
    for (Segment& segment : segments_) segment.name.clear();
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    if (found[i].seen != Seen::kKnown) continue;
    Segment& segment = segments_[found[i].segment];
    segment.name = entries[i].name;
    // Nobody looks at it any more, but its writer may still have it.
    const bool grown = segment.id == entries[i].id() && entries[i].stat.size > segment.size;
    if (segment.finished && !segment.gone && grown) Grow(segment, entries[i].stat.size);
  }
  // What is left of a file that was truncated comes before its successor.
  Refresh(around);
  AppendNew(entries, found, around);
  if (!unclear) SetSuperseded(entries.empty() ? "" : entries.back().name, around);
  Refresh(around);
  if (!unclear) FindVanished(around);
  return !unclear;
}

void Log::CountTries(const std::vector<SegmentEntry>& entries, const std::vector<Identified>& found,
                     Duration now) {
  std::map<FileId, Tries> unclear;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (found[i].seen != Seen::kUnclear) continue;
    const auto known = unclear_files_.find(entries[i].id());
    Tries tries = known == unclear_files_.end() ? Tries{now, 0} : known->second;
    ++tries.count;
    unclear[entries[i].id()] = tries;
  }
  unclear_files_ = std::move(unclear);
}

// In the order of the directory. A file that sorts before a known one was there when that one was
// first seen, and was dealt with then, unless its place is free and no reader has passed it: it was
// empty when the checkpoint was written, or could not be linked into the escrow as its successor
// was.
void Log::AppendNew(const std::vector<SegmentEntry>& entries, std::vector<Identified>& found,
                    const Surroundings& around) {
  size_t first = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i].seen == Seen::kKnown) first = i + 1;
  }
  uint32_t successor = next_ordinal_;
  std::vector<std::pair<size_t, uint32_t>> between;
  std::vector<size_t> rewritten;  // its place is taken by what it was: it comes behind the others
  for (size_t i = first; i-- > 0;) {
    if (found[i].seen == Seen::kKnown) {
      successor = std::min(successor, segments_[found[i].segment].ordinal);
    } else if (found[i].seen == Seen::kNew && IsFree(successor - 1)) {
      between.emplace_back(i, --successor);
    } else if (found[i].seen == Seen::kNew && found[i].is_rewritten) {
      rewritten.insert(rewritten.begin(), i);
    } else if (found[i].seen == Seen::kNew) {
      PassOver(entries[i], around);
    }
  }
  for (const auto& [i, ordinal] : between) {
    Add(entries[i], std::move(found[i].file), around, ordinal);
  }
  for (const size_t i : rewritten) {
    Add(entries[i], std::move(found[i].file), around, next_ordinal_);
  }
  for (size_t i = first; i < found.size(); ++i) {
    if (found[i].seen == Seen::kMoved) return;
    if (found[i].seen == Seen::kUnclear) {
      const Tries& tries = unclear_files_.at(entries[i].id());
      if (around.now - tries.since < kUnclearMax || tries.count < kTriesMin) return;
      PassOver(entries[i], around);
      log::Error("\"{}/{}\" is given up: it cannot be opened", directory_, entries[i].name);
    }
    // The file that it is a copy of may have been new, too.
    if (found[i].seen == Seen::kNew && entries[i].compressed) {
      found[i] = IdentifyByContent(entries[i], found[i].file);
      if ((unclear_ = found[i].seen == Seen::kUnclear)) return;
    }
    if (found[i].seen == Seen::kNew) {
      Add(entries[i], std::move(found[i].file), around, next_ordinal_);
    }
  }
}

// Whether a segment can still get that place in the chain and be read there.
bool Log::IsFree(uint32_t ordinal) {
  return ordinal < next_ordinal_ && ordinal >= restored_settled_before_ &&
         Find(ordinal) == nullptr &&
         std::all_of(readers.begin(), readers.end(), [ordinal](const Reader& reader) {
           return reader.read().at <= Position{ordinal, 0};
         });
}

void Log::PassOver(const SegmentEntry& entry, const Surroundings& around) {
  passed_over_.insert({entry.id(), entry.name});
  CountMissed(entry.name, around);
}

void Log::CountMissed(const std::string& name, const Surroundings& around) {
  missed_.push_back(name);
  around.counters.files_missed.Add();
}

void Log::Add(const SegmentEntry& entry, std::shared_ptr<File> file, const Surroundings& around,
              uint32_t ordinal) {
  const Result<FileStat> stat = file->Stat();
  if (!stat) return;
  Segment segment;
  segment.ordinal = ordinal;
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
  SetIdentity(Insert(std::move(segment)));
}

Segment& Log::Insert(Segment segment) {
  next_ordinal_ = std::max(next_ordinal_, segment.ordinal + 1);
  const auto successor =
      std::find_if(segments_.begin(), segments_.end(),
                   [&](const Segment& other) { return other.ordinal > segment.ordinal; });
  return *segments_.insert(successor, std::move(segment));
}

// The writer has the newest file of the directory. That may not be the last of the chain, where an
// older one was truncated after it began.
void Log::SetSuperseded(const std::string& newest, const Surroundings& around) {
  for (Segment& segment : segments_) {
    const bool was_superseded = segment.superseded;
    const bool followed = segment.name != newest;
    segment.superseded = followed || segment.name.empty() || segment.compressed || segment.gone;
    if (was_superseded || !segment.superseded) continue;
    segment.superseded_at = segment.compressed ? around.now - kSupersededGrace : around.now;
    if (followed && !segment.name.empty()) around.counters.segments_rotated.Add();
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

void Log::Restore(const LogState& state, const std::vector<HeldFile>& held,
                  const Surroundings& around) {
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
    if (stored.lost_from > 0) {
      segment.GiveUp(LossReason::kTruncated, around.now, stored.lost_from);
    }
    seen_bytes_ += stored.size;
    segments_.push_back(std::move(segment));
  }
  restored_bytes_ = seen_bytes_;
  restored_settled_before_ = state.next_ordinal;
  for (const ReaderState& reader : state.readers) {
    restored_settled_before_ = std::min(restored_settled_before_, reader.cursor.segment);
  }
  // What takes a new place takes none of theirs.
  for (const HeldFile& file : held) next_ordinal_ = std::max(next_ordinal_, file.name.ordinal + 1);
  for (auto file = held.begin(); file != held.end(); ++file) {
    const bool has_successor = std::any_of(
        file + 1, held.end(), [&](const HeldFile& next) { return IdOf(next) == IdOf(*file); });
    RestoreHeld(*file, has_successor, around);
  }
}

// `has_successor`: it is a later segment, too, since it was truncated.
void Log::RestoreHeld(HeldFile held, bool has_successor, const Surroundings& around) {
  const FileId id = IdOf(held);
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
      segment->open_id = id;
      segment->compressed = held.name.compressed;
      segment->held = true;
      return;
    }
    // It was truncated meanwhile: what it holds now is another segment.
    segment->id = {};
    if (has_successor) return around.escrow.Release(held.name);
  } else if (has_successor || held.name.ordinal < restored_settled_before_) {
    return around.escrow.Release(held.name);  // settled, and the agent ended before it let go of it
  }
  Segment segment;
  segment.ordinal = Find(held.name.ordinal) == nullptr ? held.name.ordinal : next_ordinal_;
  segment.id = segment.open_id = id;
  segment.file = std::move(file);
  segment.compressed = held.name.compressed;
  segment.held = true;
  if (segment.ordinal != held.name.ordinal) {
    segment.held = false;
    Hold(segment, around);
    around.escrow.Release(held.name);
  }
  Insert(std::move(segment));
}

}  // namespace hinomi
