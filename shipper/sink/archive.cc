#include "shipper/sink/archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/logging.h"

namespace hinomi {
namespace {

constexpr Duration kTidyEvery = std::chrono::seconds(10);
// A late record would only take the file back; so it waits a little.
constexpr Duration kQuietBeforeFinish = std::chrono::minutes(2);
constexpr int kLevels = 5;  // of directories: cluster, namespace, pod, container, date

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
      compressor_(static_cast<int>(options_.config.level)) {}

Result<void> ArchiveSink::Prepare() {
  const std::string& directory = options_.config.directory;
  if (lock_ != nullptr) return {};
  if (auto made = environment_.files.MakeDirectories(directory); !made) return made;
  Result<std::unique_ptr<FileLock>> lock = environment_.files.Lock(directory);
  if (!lock) return lock.error();
  lock_ = std::move(*lock);
  return {};
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
        std::string_view(batch.bytes).substr(record.begin, record.end - record.begin));
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
  const std::string directory = fmt::format(
      "{}/{}/{}/{}/{}/{}", options_.config.directory, ArchiveComponent(options_.cluster),
      ArchiveComponent(pod.namespace_name), ArchiveComponent(pod.pod_name),
      ArchiveComponent(pod.container_name), ArchiveDate(hour));
  ArchiveFile& file =
      files_
          .try_emplace(directory + "/" + ArchiveHourName(hour), environment_.files, directory, hour)
          .first->second;
  file.last_used = ++uses_;
  return file;
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
    if (!share.failed && share.written) note(share, share.file->Sync());
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
  if (share.written) {
    share.file->Add(share.claims);
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
  const bool holds_some = HoldsSome(*share->file, claims);
  for (uint32_t i = run.begin; i < run.end; ++i) {
    const BatchRecord& record = batch.records[i];
    if (holds_some && Holds(*share->file, ClaimsOf(slice, record.source, record.source_end))) {
      continue;
    }
    const std::string_view bytes(batch.bytes.data() + record.begin, record.end - record.begin);
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
  share->written = true;
  const std::string_view frame = compressor_.Compress(parts_);
  const std::string label = EncodeArchiveLabel({frame.size(), share->claims});
  sent_bytes_.Add(static_cast<double>(label.size() + frame.size()));
  if (auto written = share->file->Append(label); !written) return written;
  return share->file->Append(frame);
}

// The names of new files, and of the directories made for them.
Result<void> ArchiveSink::SyncNames(std::span<Share> shares) {
  std::set<std::string> directories;
  const std::string top = std::filesystem::path(options_.config.directory).parent_path();
  for (const Share& share : shares) {
    if (share.failed || !share.file->fresh()) continue;
    for (std::filesystem::path at = share.file->directory(); at.has_relative_path();
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

// Those that were not used for longest.
void ArchiveSink::ForgetAllBut(size_t known_files) {
  if (files_.size() <= known_files) return;
  std::vector<uint64_t> uses;
  for (const auto& [name, file] : files_) uses.push_back(file.last_used);
  std::sort(uses.begin(), uses.end(), std::greater<>());
  std::erase_if(files_, [oldest = uses[known_files - 1]](const auto& entry) {
    return entry.second.last_used < oldest;
  });
}

void ArchiveSink::Finish(ArchiveFile& file) {
  if (const Result<void> finished = file.Finish(); !finished) {
    log::Warn("{}; it keeps its name", finished.error().message);
  }
}

void ArchiveSink::Tidy() {
  const Duration now = environment_.clock.Monotonic();
  if (lock_ == nullptr || (tidied_ != Duration{0} && now - tidied_ < kTidyEvery)) return;
  tidied_ = now;
  const Duration over = environment_.clock.Wall() - kQuietBeforeFinish;
  for (auto it = files_.begin(); it != files_.end();) {
    ArchiveFile& file = it->second;
    const bool done =
        over >= std::chrono::hours(file.hour() + 1) && now - file.last_written > kQuietBeforeFinish;
    if (done) Finish(file);
    it = done ? files_.erase(it) : std::next(it);
  }
  const auto hour = std::chrono::floor<std::chrono::hours>(over);
  if (hour == leftovers_finished_) return;
  leftovers_finished_ = hour;
  FinishLeftovers(options_.config.directory + "/" + ArchiveComponent(options_.cluster), 1);
}

// Files that an earlier process has left open. What is wrong with them is said when they are
// written to.
void ArchiveSink::FinishLeftovers(const std::string& directory, int depth) {
  const Result<std::vector<DirectoryEntry>> entries = environment_.files.List(directory, "");
  if (!entries) return;
  const Duration over = environment_.clock.Wall() - kQuietBeforeFinish;
  const std::string date = std::filesystem::path(directory).filename();
  for (const DirectoryEntry& entry : *entries) {
    if (depth < kLevels) {
      if (entry.kind != FileKind::kDirectory) continue;
      FinishLeftovers(directory + "/" + entry.name, depth + 1);
      continue;
    }
    const std::optional<ArchiveFileName> name = ParseArchiveFileName(date, entry.name);
    if (!name || !name->open || over < std::chrono::hours(name->hour + 1)) continue;
    ArchiveFile file(environment_.files, directory, name->hour);
    if (files_.contains(directory + "/" + ArchiveHourName(name->hour)) || !file.Open()) continue;
    Finish(file);
  }
}

}  // namespace hinomi
