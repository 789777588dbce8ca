#include "shipper/sink/archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/logging.h"
#include "base/traceless.h"

namespace hinomi {
namespace {

constexpr Duration kTidyEvery = std::chrono::seconds(10);
// A late record would only take the file back; so it waits a little.
constexpr Duration kQuietBeforeFinish = std::chrono::minutes(2);
constexpr char kTrial[] = ".try";

/// Of hinomi_sink_errors_total, and what an operator can do.
struct Cause {
  const char* code;
  const char* remedy;
};

Cause CauseOf(const Error& error) {
  switch (error.code) {
    case ENOSPC:
    case EDQUOT:
      return {"full", "; remove old files or make room"};
    case EROFS:
      return {"read_only", "; mount it writable"};
    case EACCES:
    case EPERM:
      return {"permission", "; let the agent's user write there"};
    default:
      return {error.kind == ErrorKind::kTransient ? "locked" : "io", ""};
  }
}

std::string ClusterDirectory(const ArchiveSink::Options& options) {
  return options.config.directory + "/" + ArchiveComponent(options.cluster);
}

void Report(const Error& error, Attempt* attempt) {
  if (!attempt->error.empty()) return;
  const Cause cause = CauseOf(error);
  *attempt = {.error = error.message + cause.remedy, .code = cause.code, .retry_after = {}};
}

// What lies between two positions of a slice.
std::vector<ArchiveClaim> ClaimsOf(const Slice& slice, const Position& from, const Position& to) {
  std::vector<ArchiveClaim> claims;
  for (const SegmentRange& range : RangesBetween(slice, from, to)) {
    claims.push_back({slice.origin->log_hash, range.segment_key, range.begin, range.end});
  }
  return claims;
}

bool Holds(const ArchiveFile& file, const std::vector<ArchiveClaim>& claims) {
  return !claims.empty() &&
         std::all_of(claims.begin(), claims.end(),
                     [&](const ArchiveClaim& claim) { return file.Covers(claim); });
}

bool HoldsSome(const ArchiveFile& file, const std::vector<ArchiveClaim>& claims) {
  return std::any_of(claims.begin(), claims.end(),
                     [&](const ArchiveClaim& claim) { return file.Touches(claim); });
}

}  // namespace

ArchiveSink::ArchiveSink(Options options, const Environment& environment)
    : options_(std::move(options)),
      environment_(environment),
      sent_bytes_(environment.metrics.CounterOf("hinomi_sink_sent_bytes_total",
                                                "Bytes sent, after compression.",
                                                {{"sink", options_.name}})),
      compressor_(static_cast<int>(options_.config.level)),
      keeper_({options_.name, ClusterDirectory(options_), options_.config.retention},
              {environment.files, environment.clock, environment.metrics}) {}

RecordFormat ArchiveSink::format() const {
  return options_.config.format == ArchiveFormat::kLines ? RecordFormat::kLines
                                                         : RecordFormat::kJson;
}

Result<void> ArchiveSink::Prepare() {
  const std::string& directory = options_.config.directory;
  if (lock_ != nullptr) return {};
  if (auto made = environment_.files.MakeDirectories(directory); !made) return made;
  Result<std::unique_ptr<FileLock>> lock = environment_.files.Lock(directory);
  if (!lock) return lock.error();
  lock_ = std::move(*lock);
  return {};
}

Attempt ArchiveSink::Try(const std::stop_token&) {
  Attempt attempt;
  if (const Result<void> tried = TryToWrite(); !tried) Report(tried.error(), &attempt);
  return attempt;
}

Result<void> ArchiveSink::TryToWrite() {
  FileSystem& files = environment_.files;
  const std::string directory = ClusterDirectory(options_);
  const Traceless traceless(files, directory);
  if (auto made = files.MakeDirectories(directory); !made) return made;
  const Result<std::unique_ptr<FileLock>> lock = files.Lock(options_.config.directory);
  if (!lock) return lock.error();
  const std::string path = directory + "/" + kTrial;
  const Result<std::unique_ptr<WritableFile>> file = files.OpenWritable(path);
  if (!file) return file.error();
  Result<void> written = (*file)->WriteAt(0, kTrial);
  if (written) written = (*file)->Sync();
  const Result<void> removed = files.Remove(path);
  return written ? removed : written;
}

std::string_view ArchiveSink::TimeOf(std::string_view record) const {
  return options_.config.format == ArchiveFormat::kLines ? record.substr(0, record.find(' '))
                                                         : ArchiveRecordTimeText(record);
}

std::vector<ArchiveSink::Share> ArchiveSink::SharesOf(const Batch& batch) {
  std::vector<Share> shares;
  std::map<ArchiveFile*, size_t> by_file;
  std::vector<Run>* runs = nullptr;  // of the record before
  int64_t hour_before = 0;
  for (uint32_t i = 0; i < batch.records.size(); ++i) {
    const BatchRecord& record = batch.records[i];
    if (record.outcome != Outcome::kPending) continue;
    const int64_t hour = hours_.HourOf(
        TimeOf(std::string_view(batch.bytes).substr(record.begin, record.end - record.begin)));
    const bool same_file = runs != nullptr && hour == hour_before &&
                           record.slice == runs->back().slice && i == runs->back().end;
    if (!same_file) {
      ArchiveFile& file = FileOf(*batch.slices[record.slice].origin, hour);
      const auto [it, fresh] = by_file.try_emplace(&file, shares.size());
      if (fresh) shares.push_back({.file = &file, .runs = {}, .claims = {}});
      runs = &shares[it->second].runs;
      runs->push_back({record.slice, i, i});
      hour_before = hour;
    }
    runs->back().end = i + 1;
  }
  return shares;
}

ArchiveFile& ArchiveSink::FileOf(const Origin& origin, int64_t hour) {
  const PodInfo& pod = origin.pod;
  ArchiveFile& file =
      FileAt({fmt::format("{}/{}/{}/{}/{}", ClusterDirectory(options_),
                          ArchiveComponent(pod.namespace_name), ArchiveComponent(pod.pod_name),
                          ArchiveComponent(pod.container_name), ArchiveDate(hour)),
              hour, options_.config.format});
  file.last_used = ++uses_;
  return file;
}

ArchiveFile& ArchiveSink::FileAt(const ArchivePlace& place) {
  const auto release = [this](const std::string& path) { return keeper_.Release(path); };
  return files_.try_emplace(place.Path(), environment_.files, place, release).first->second;
}

Attempt ArchiveSink::Deliver(Batch& batch, uint32_t, const std::stop_token&) {
  Attempt attempt;
  if (const Result<void> prepared = Prepare(); !prepared) {
    Report(prepared.error(), &attempt);
    return attempt;
  }
  std::vector<Share> shares = SharesOf(batch);
  // No more files at once than may be open: each is synced before it is closed.
  for (size_t begin = 0; begin < shares.size(); begin += options_.open_files_max) {
    const size_t count = std::min(options_.open_files_max, shares.size() - begin);
    Commit(batch, std::span(shares).subspan(begin, count), &attempt);
  }
  ForgetAllBut(options_.known_files_max);
  Tidy();
  return attempt;
}

// Every file's share is written before the first is synced: the disk then has all of them to order.
void ArchiveSink::Commit(Batch& batch, std::span<Share> shares, Attempt* attempt) {
  const auto note = [&](Share& share, const Result<void>& result) {
    if (result) return;
    share.failed = true;
    Report(result.error(), attempt);
  };
  for (Share& share : shares) note(share, Write(batch, &share));
  for (Share& share : shares) {
    if (!share.failed && share.written_bytes > 0) note(share, share.file->Sync());
  }
  if (const Result<void> named = SyncNames(shares); !named) {
    for (Share& share : shares) note(share, named);
  }
  for (Share& share : shares) {
    if (!share.failed) Acknowledge(batch, share);
    share.file->Close();
  }
}

void ArchiveSink::Acknowledge(Batch& batch, const Share& share) {
  if (share.written_bytes > 0) {
    share.file->Add(share.claims);
    keeper_.Grown(share.written_bytes);
    share.file->last_written = environment_.clock.Monotonic();
  }
  for (const Run& run : share.runs) {
    for (uint32_t i = run.begin; i < run.end; ++i) {
      batch.records[i].outcome = Outcome::kAcknowledged;
    }
  }
}

// Finds the bytes of a run that the file does not hold yet.
void ArchiveSink::AddRun(const Batch& batch, const Run& run, Share* share) {
  const Slice& slice = batch.slices[run.slice];
  const std::vector<ArchiveClaim> claims = ClaimsOf(slice, slice.begin, slice.end);
  if (Holds(*share->file, claims)) return;
  const bool lines = options_.config.format == ArchiveFormat::kLines;
  const bool holds_some = HoldsSome(*share->file, claims);
  for (uint32_t i = run.begin; i < run.end; ++i) {
    const BatchRecord& record = batch.records[i];
    if (holds_some && Holds(*share->file, ClaimsOf(slice, record.source, record.source_end))) {
      continue;
    }
    std::string_view bytes(batch.bytes.data() + record.begin, record.end - record.begin);
    // The time of a plain line is for us.
    if (lines) bytes.remove_prefix(TimeOf(bytes).size() + 1);
    if (!parts_.empty() && parts_.back().end() == bytes.begin()) {
      parts_.back() = {parts_.back().data(), parts_.back().size() + bytes.size()};
    } else {
      parts_.push_back(bytes);
    }
  }
  const bool claimed = std::search(share->claims.begin(), share->claims.end(), claims.begin(),
                                   claims.end()) != share->claims.end();
  if (!claimed) share->claims.insert(share->claims.end(), claims.begin(), claims.end());
}

// One flush: a label and a frame.
Result<void> ArchiveSink::Write(const Batch& batch, Share* share) {
  if (auto opened = share->file->Open(); !opened) return opened;
  parts_.clear();
  for (const Run& run : share->runs) AddRun(batch, run, share);
  if (parts_.empty()) return {};
  const std::string_view frame = compressor_.Compress(parts_);
  const std::string label = EncodeArchiveLabel({frame.size(), share->claims});
  share->written_bytes = label.size() + frame.size();
  sent_bytes_.Add(static_cast<double>(share->written_bytes));
  if (auto written = share->file->Append(label); !written) return written;
  return share->file->Append(frame);
}

// The names of new files, and of the directories made for them.
Result<void> ArchiveSink::SyncNames(std::span<Share> shares) {
  std::set<std::string> directories;
  const std::string top = std::filesystem::path(options_.config.directory).parent_path();
  for (const Share& share : shares) {
    if (share.failed || !share.file->fresh()) continue;
    for (std::filesystem::path at = share.file->place().directory; at.has_relative_path();
         at = at.parent_path()) {
      if (!directories.insert(at).second || at == top) break;
    }
  }
  for (const std::string& directory : directories) {
    if (auto synced = environment_.files.SyncDirectory(directory); !synced) return synced;
  }
  for (Share& share : shares) {
    if (!share.failed) share.file->SetNamed();
  }
  return {};
}

// What those hold that were not used for longest.
void ArchiveSink::ForgetAllBut(size_t known_files) {
  if (files_.size() <= known_files) return;
  std::vector<uint64_t> uses;
  for (const auto& [name, file] : files_) uses.push_back(file.last_used);
  std::sort(uses.begin(), uses.end(), std::greater<>());
  for (auto& [name, file] : files_) {
    if (file.last_used < uses[known_files - 1]) file.Forget();
  }
}

// False when it is to be tried again.
bool ArchiveSink::Finish(ArchiveFile& file) {
  const Result<bool> finished = file.Finish();
  if (finished && *finished) keeper_.Finished(file.place().Path());
  if (finished) return true;
  log::Warn("{}; it keeps its name for now", finished.error().message);
  file.last_written = environment_.clock.Monotonic();
  return false;
}

void ArchiveSink::Tidy() {
  const Duration now = environment_.clock.Monotonic();
  const bool due = tidied_ == Duration{0} || now - tidied_ >= kTidyEvery;
  if (!due && !keeper_.busy()) return;
  tidied_ = now;
  // Also when nothing is written: files grow old all the same.
  if (lock_ == nullptr && (!environment_.files.Exists(options_.config.directory) || !Prepare())) {
    return;
  }
  const Duration over = environment_.clock.Wall() - kQuietBeforeFinish;
  for (auto it = files_.begin(); it != files_.end();) {
    ArchiveFile& file = it->second;
    const bool done = over >= std::chrono::hours(file.place().hour + 1) &&
                      now - file.last_written > kQuietBeforeFinish && Finish(file);
    it = done ? files_.erase(it) : std::next(it);
  }
  // Files that an earlier process has left open: more may come for them right away.
  for (const ArchivePlace& place : keeper_.Work()) FileAt(place).last_written = now;
}

}  // namespace hinomi
