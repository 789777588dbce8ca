#include "shipper/sink/archive_keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/hash.h"
#include "base/logging.h"

namespace hinomi {
namespace {

constexpr Duration kSlice = std::chrono::milliseconds(100);
constexpr Duration kRetryAfter = std::chrono::seconds(10);
// Others may have removed files, or put some there.
constexpr Duration kSurveyEvery = std::chrono::hours(24);
constexpr Duration kSurveyAgainAfter = std::chrono::hours(1);
constexpr uint64_t kPieceBytes = 1 << 20;
// The rest waits for the survey after these: an archive of before there were manifests is large.
constexpr size_t kUnlistedMax = 10'000;
constexpr int kDateLevel = 3;  // of directories: namespace, pod, container, date

std::string Below(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

}  // namespace

ArchiveKeeper::ArchiveKeeper(Options options, const Environment& environment)
    : options_(std::move(options)), environment_(environment) {
  const Labels labels = {{"sink", options_.sink}};
  Metrics& metrics = environment.metrics;
  size_ = metrics.GaugeOf("hinomi_archive_bytes", "Size of the archive's files.", labels);
  removed_files_ = metrics.CounterOf("hinomi_archive_removed_files_total",
                                     "Files of the archive removed by its limits.", labels);
  removed_bytes_ = metrics.CounterOf("hinomi_archive_removed_bytes_total",
                                     "Size of the files removed by its limits.", labels);
}

std::vector<ArchivePlace> ArchiveKeeper::Work() {
  const Duration now = environment_.clock.Monotonic();
  open_.clear();
  if (now >= survey_due_) Survey();
  if (now >= retry_at_) {
    List(environment_.clock.Monotonic() + kSlice);
    Retain(environment_.clock.Monotonic() + kSlice);
  }
  size_.Set(static_cast<double>(bytes_));
  return std::move(open_);
}

bool ArchiveKeeper::busy() const {
  return !unlisted_.empty() && environment_.clock.Monotonic() >= retry_at_;
}

// Something is not as it should be, or was too much at once.
void ArchiveKeeper::SurveySoon() {
  survey_due_ = std::min(survey_due_, environment_.clock.Monotonic() + kSurveyAgainAfter);
}

void ArchiveKeeper::Survey() {
  survey_due_ = environment_.clock.Monotonic() + kSurveyEvery;
  unlisted_.clear();
  digest_.reset();
  bytes_ = 0;
  SurveyManifests();
  SurveyFiles("", 0);
  listed_ = {};
}

void ArchiveKeeper::SurveyManifests() {
  hours_.clear();
  const std::string directory(kArchiveManifests);
  const auto dates = environment_.files.List(options_.directory, directory);
  if (!dates) return;
  for (const DirectoryEntry& date : *dates) {
    const auto names = environment_.files.List(options_.directory, Below(directory, date.name));
    if (!names) continue;
    for (const DirectoryEntry& entry : *names) {
      const std::optional<Hour> hour = ParseArchiveManifestName(date.name, entry.name);
      if (!hour) continue;
      const Result<ArchiveManifest> manifest = Load(*hour);
      if (!manifest) continue;
      hours_.insert(*hour);
      for (const auto& [path, facts] : *manifest) listed_.push_back({Hash64Of(path), facts.bytes});
    }
  }
  std::sort(listed_.begin(), listed_.end(),
            [](const Listed& a, const Listed& b) { return a.name < b.name; });
}

void ArchiveKeeper::SurveyFiles(const std::string& relative, int level) {
  const auto entries = environment_.files.List(options_.directory, relative);
  if (!entries) return;
  const std::string date = std::filesystem::path(relative).filename();
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = Below(relative, entry.name);
    if (level <= kDateLevel) {
      if (entry.kind == FileKind::kDirectory && entry.name != kArchiveManifests) {
        SurveyFiles(path, level + 1);
      }
      continue;
    }
    const std::optional<ArchiveFileName> name = ParseArchiveFileName(date, entry.name);
    if (name && entry.kind == FileKind::kRegular) SurveyFile(path, *name);
  }
}

void ArchiveKeeper::SurveyFile(const std::string& relative, const ArchiveFileName& name) {
  const uint64_t hash = Hash64Of(relative);
  const auto listed =
      std::lower_bound(listed_.begin(), listed_.end(), hash,
                       [](const Listed& a, uint64_t wanted) { return a.name < wanted; });
  if (!name.open && listed != listed_.end() && listed->name == hash) {
    bytes_ += listed->bytes;
    return;
  }
  const Result<FileStat> stat = environment_.files.Stat(options_.directory, relative);
  if (!stat) return;
  // What somebody else has put there is left alone.
  if (!name.open && name.plain && stat->size > 0 && !BeginsWithLabel(relative)) return;
  bytes_ += stat->size;
  if (name.open && !name.plain) return;
  if (name.open) {
    const std::filesystem::path path = Below(options_.directory, relative);
    open_.push_back({path.parent_path(), name.hour, name.format});
  } else if (unlisted_.size() < kUnlistedMax) {
    unlisted_.emplace(name.hour, relative);
  } else {
    SurveySoon();
  }
}

bool ArchiveKeeper::BeginsWithLabel(const std::string& relative) {
  char head[kArchiveLabelBytesMin];
  const auto file = environment_.files.Open(options_.directory, relative);
  const Result<size_t> count = file ? (*file)->ReadAt(0, head, sizeof head) : file.error();
  return count && ArchiveLabelLength({head, *count});
}

std::string ArchiveKeeper::Relative(const std::string& path) const {
  return path.substr(options_.directory.size() + 1);
}

void ArchiveKeeper::Finished(const std::string& path) {
  const std::string relative = Relative(path);
  const std::optional<ArchiveFileName> name = ParseArchivePath(relative);
  if (name) unlisted_.emplace(name->hour, relative);
}

Result<void> ArchiveKeeper::Release(const std::string& path) {
  const std::string relative = Relative(path);
  const std::optional<ArchiveFileName> name = ParseArchivePath(relative);
  if (!name) return {};
  unlisted_.erase({name->hour, relative});
  if (digest_path_ == relative) digest_.reset();
  Result<ArchiveManifest> manifest = Load(name->hour);
  if (!manifest) return manifest.error();
  if (manifest->erase(relative) == 0) return {};
  return Store(name->hour, *manifest);
}

// One that is damaged is set aside: its files get new entries.
Result<ArchiveManifest> ArchiveKeeper::Load(Hour hour) {
  FileSystem& files = environment_.files;
  Result<ArchiveManifest> manifest = ReadArchiveManifest(files, options_.directory, hour);
  if (manifest || manifest.error().kind != ErrorKind::kCorrupt) return manifest;
  const std::string path = Below(options_.directory, ArchiveManifestPath(hour));
  const std::string aside = path + ".damaged";
  if (auto renamed = files.Rename(path, aside); !renamed) return renamed.error();
  log::Error("{}; it is kept as \"{}\" and made anew from the files as they are now",
             manifest.error().message, aside);
  hours_.erase(hour);
  survey_due_ = Duration{0};
  return ArchiveManifest();
}

Result<void> ArchiveKeeper::Store(Hour hour, const ArchiveManifest& manifest) {
  const auto stored = WriteArchiveManifest(environment_.files, options_.directory, hour, manifest);
  if (!stored) return stored;
  if (manifest.empty()) {
    hours_.erase(hour);
  } else {
    hours_.insert(hour);
  }
  return {};
}

void ArchiveKeeper::List(Duration until) {
  while (!unlisted_.empty() && environment_.clock.Monotonic() < until) {
    const Hour hour = unlisted_.begin()->first;
    ArchiveManifest found = DigestHour(hour, until);
    if (found.empty()) continue;
    Result<ArchiveManifest> manifest = Load(hour);
    std::vector<std::string> paths;
    for (const auto& [path, facts] : found) paths.push_back(path);
    // An entry that is there is older and holds.
    if (manifest) manifest->merge(found);
    const Result<void> stored = manifest ? Store(hour, *manifest) : manifest.error();
    if (!stored) {
      log::Warn("{}; files of the archive have no entry yet", stored.error().message);
      retry_at_ = environment_.clock.Monotonic() + kRetryAfter;
      return;
    }
    for (const std::string& path : paths) unlisted_.erase({hour, path});
  }
}

// Of the hour's files without an entry, as many as there is time for.
ArchiveManifest ArchiveKeeper::DigestHour(Hour hour, Duration until) {
  ArchiveManifest found;
  for (auto it = unlisted_.lower_bound({hour, ""}); it != unlisted_.end() && it->first == hour;) {
    const Result<bool> whole = Digest(it->second, until);
    if (whole && !*whole) break;
    if (whole) {
      found.emplace(it->second, digest_->Finish());
      ++it;
    } else {
      // One that is gone needs none; the next survey finds the others.
      if (whole.error().code != ENOENT) {
        log::Warn("{}; it has no entry yet", whole.error().message);
        SurveySoon();
      }
      it = unlisted_.erase(it);
    }
    digest_.reset();
  }
  return found;
}

Result<bool> ArchiveKeeper::Digest(const std::string& path, Duration until) {
  // Not kept open: a process cannot end while it has files of a disk that hangs.
  const auto file = environment_.files.Open(options_.directory, path);
  if (!file) return file.error();
  if (!digest_ || digest_path_ != path) digest_.emplace();
  digest_path_ = path;
  do {
    const Result<bool> whole = digest_->Continue(**file, kPieceBytes);
    if (!whole || *whole) return whole;
  } while (environment_.clock.Monotonic() < until);
  return false;
}

void ArchiveKeeper::Retain(Duration until) {
  const RetentionConfig& limits = options_.retention;
  for (auto it = hours_.begin(); it != hours_.end() && environment_.clock.Monotonic() < until;) {
    const Hour hour = *it++;  // it may be erased
    const Duration age = environment_.clock.Wall() - std::chrono::hours(hour + 1);
    const bool expired = limits.age > Duration{0} && age > limits.age;
    const uint64_t beyond =
        limits.bytes_max > 0 ? bytes_ - std::min(bytes_, limits.bytes_max) : uint64_t{0};
    if (!expired && beyond == 0) return;
    if (!RemoveFrom(hour, expired ? UINT64_MAX : beyond)) {
      retry_at_ = environment_.clock.Monotonic() + kRetryAfter;
      return;
    }
  }
}

// Entries go first: a crash in between leaves files without one, which get a new one. False when no
// manifest can be written.
bool ArchiveKeeper::RemoveFrom(Hour hour, uint64_t bytes_wanted) {
  Result<ArchiveManifest> manifest = Load(hour);
  ArchiveManifest going;
  for (uint64_t bytes = 0; manifest && !manifest->empty() && bytes < bytes_wanted;) {
    bytes += manifest->begin()->second.bytes;
    going.insert(manifest->extract(manifest->begin()));
  }
  const Result<void> stored = manifest ? Store(hour, *manifest) : manifest.error();
  if (!stored) {
    log::Warn("{}; no file of the archive is removed", stored.error().message);
    return false;
  }
  bool all = true;
  for (const auto& [path, facts] : going) {
    const Result<bool> removed = Remove(path);
    if (!removed) {
      log::Warn("{}; it is tried again", removed.error().message);
      manifest->emplace(path, facts);
      all = false;
    } else if (*removed) {
      bytes_ -= std::min(bytes_, facts.bytes);
      removed_files_.Add();
      removed_bytes_.Add(static_cast<double>(facts.bytes));
    }
  }
  if (all) return true;
  retry_at_ = environment_.clock.Monotonic() + kRetryAfter;
  if (Store(hour, *manifest)) return true;
  SurveySoon();
  return false;
}

// And the directories that become empty by that. False when it was gone before.
Result<bool> ArchiveKeeper::Remove(const std::string& path) {
  FileSystem& files = environment_.files;
  const Result<FileStat> stat = files.Stat(options_.directory, path);  // follows no link
  if (!stat && stat.error().code == ENOENT) return false;
  if (!stat) return stat.error();
  std::filesystem::path at = Below(options_.directory, path);
  if (auto removed = files.Remove(at); !removed) return removed.error();
  for (at = at.parent_path(); at != options_.directory && files.Remove(at);) at = at.parent_path();
  return true;
}

}  // namespace hinomi
