#include "app/verify.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <string>

#include "app/human_text.h"
#include "config/glob.h"
#include "shipper/sink/archive_manifest.h"
#include "shipper/sink/archive_reader.h"

namespace hinomi {
namespace {

constexpr Duration kProgressEvery = std::chrono::seconds(5);
constexpr size_t kBlockBytes = 128 << 10;
constexpr int kDateLevel = 3;  // of directories: namespace, pod, container, date

class Verification {
 public:
  Verification(const CatOptions& options, const VerifyEnvironment& environment)
      : options_(options), environment_(environment) {
    progress_due_ = environment.clock.Monotonic() + kProgressEvery;
  }

  void Run() {
    const auto entries = environment_.files.List(options_.directory, "");
    if (!entries) {
      Problem("unreadable", options_.directory, entries.error().message);
      return;
    }
    std::set<std::string> clusters;
    for (const DirectoryEntry& entry : *entries) {
      if (entry.kind == FileKind::kDirectory) clusters.insert(entry.name);
    }
    for (const std::string& cluster : clusters) VerifyCluster(cluster);
  }

  /// False when something is wrong.
  bool Summarise() {
    if (!archive_ && problems_ == 0) {
      Problem("unreadable", options_.directory, "it is no archive");
    }
    fmt::print(environment_.out, "{} files, {}, {} lines in finished ones: ", files_,
               HumanBytes(bytes_), lines_);
    if (problems_ == 0) fmt::print(environment_.out, "all is as it was written");
    if (problems_ > 0)
      fmt::print(environment_.out, "{} problem{}", problems_, problems_ == 1 ? "" : "s");
    if (waiting_ > 0) {
      fmt::print(environment_.out, "; {} have no entry yet, from the agent that writes here",
                 waiting_);
    }
    fmt::print(environment_.out, "\n");
    return fflush(environment_.out) == 0 && problems_ == 0;
  }

 private:
  void Problem(std::string_view what, const std::string& path, const std::string& detail) {
    fmt::print(environment_.out, "{} \"{}\": {}\n", what, path, detail);
    ++problems_;
  }
  void Problem(std::string_view what, const Error& error, const std::string& path) {
    Problem(what, directory_ + "/" + path, error.message);
  }

  void VerifyCluster(const std::string& cluster) {
    directory_ = options_.directory + "/" + cluster;
    finished_.clear();
    open_.clear();
    hours_.clear();
    Collect("", 0);
    CollectManifests();
    for (const int64_t hour : hours_) VerifyHour(hour);
    for (const std::string& path : finished_) VerifyUnlisted(path);
    for (const std::string& path : open_) VerifyOpen(path);
  }

  void Collect(const std::string& relative, int level) {
    const auto entries = environment_.files.List(directory_, relative);
    if (!entries) {
      Problem("unreadable", entries.error(), relative);
      return;
    }
    for (const DirectoryEntry& entry : *entries) {
      const std::string path = relative.empty() ? entry.name : relative + "/" + entry.name;
      if (level == 0 && entry.name == kArchiveManifests) {
        archive_ = true;
      } else if (level <= kDateLevel && entry.kind == FileKind::kDirectory) {
        if (Matches(level, entry.name)) Collect(path, level + 1);
      } else {
        CollectFile(path);
      }
    }
  }

  void CollectFile(const std::string& path) {
    const std::optional<ArchiveFileName> name = ParseArchivePath(path);
    if (name) archive_ = true;
    if (!name) {
      Problem("extra", directory_ + "/" + path, "it does not belong to an archive");
    } else if (Selected(name->hour)) {
      (name->open ? open_ : finished_).insert(path);
    }
  }

  void CollectManifests() {
    const std::string directory(kArchiveManifests);
    const auto dates = environment_.files.List(directory_, directory);
    if (!dates) {
      if (dates.error().code != ENOENT) Problem("unreadable", dates.error(), directory);
      return;
    }
    for (const DirectoryEntry& date : *dates) {
      if (date.kind != FileKind::kDirectory) continue;
      const std::string below = directory + "/" + date.name;
      const auto names = environment_.files.List(directory_, below);
      if (!names) {
        Problem("unreadable", names.error(), below);
        continue;
      }
      for (const DirectoryEntry& entry : *names) {
        const std::optional<int64_t> hour = ParseArchiveManifestName(date.name, entry.name);
        if (!hour) {
          Problem("unreadable", directory_ + "/" + below + "/" + entry.name,
                  "it is no manifest, or one that was damaged and replaced");
        } else if (Selected(*hour)) {
          hours_.insert(*hour);
        }
      }
    }
  }

  bool Matches(int level, std::string_view name) const {
    const std::string everything;
    const std::array<const std::string*, kDateLevel + 1> patterns = {
        &options_.namespace_pattern, &options_.pod_pattern, &options_.container_pattern,
        &everything};
    return GlobMatches(*patterns[static_cast<size_t>(level)], name);
  }
  bool Selected(int64_t hour) const {
    const Duration begin = std::chrono::hours(hour);
    return (!options_.since || begin + std::chrono::hours(1) > *options_.since) &&
           (!options_.until || begin < *options_.until);
  }
  bool SelectedPath(std::string_view path) const {
    for (int level = 0; level < kDateLevel; ++level) {
      const size_t slash = path.find('/');
      if (!Matches(level, path.substr(0, slash))) return false;
      path.remove_prefix(slash + 1);
    }
    return true;
  }

  void VerifyHour(int64_t hour) {
    const auto manifest = ReadArchiveManifest(environment_.files, directory_, hour);
    if (!manifest) {
      Problem("unreadable", manifest.error(), ArchiveManifestPath(hour));
      return;
    }
    for (const auto& [path, facts] : *manifest) {
      if (!SelectedPath(path)) continue;
      finished_.erase(path);
      const Complaint complaint = ComplaintAbout(path, facts);
      if (complaint.what.empty() || !StillSays(hour, path, facts)) continue;
      Problem(complaint.what, directory_ + "/" + path, complaint.detail);
    }
  }

  struct Complaint {
    std::string_view what;
    std::string detail;
  };

  Complaint ComplaintAbout(const std::string& path, const ArchiveFacts& facts) {
    const auto file = environment_.files.Open(directory_, path);
    if (!file && file.error().code == ENOENT) return {"missing", "its manifest has it"};
    if (!file) return {"unreadable", file.error().message};
    const Result<FileStat> stat = (*file)->Stat();
    if (!stat) return {"unreadable", stat.error().message};
    if (stat->size != facts.bytes) {
      return {stat->size < facts.bytes ? "truncated" : "changed",
              fmt::format("it has {} bytes, not {}", stat->size, facts.bytes)};
    }
    const Result<std::string> sum = SumOf(**file);
    if (!sum) return {"unreadable", sum.error().message};
    if (*sum != facts.sha256) {
      return {"changed", fmt::format("its SHA-256 is {}, not {}", *sum, facts.sha256)};
    }
    if (!facts.lines) return {"unreadable", "it was damaged already when it was finished"};
    ++files_;
    lines_ += *facts.lines;
    return {};
  }

  // An agent that writes here may have taken it back or removed it meanwhile.
  bool StillSays(int64_t hour, const std::string& path, const ArchiveFacts& facts) {
    const auto manifest = ReadArchiveManifest(environment_.files, directory_, hour);
    if (!manifest) return true;
    const auto entry = manifest->find(path);
    return entry != manifest->end() && entry->second == facts;
  }

  Result<std::string> SumOf(File& file) {
    Sha256 sum;
    std::string block(kBlockBytes, '\0');
    for (uint64_t at = 0;;) {
      const Result<size_t> count = file.ReadAt(at, block.data(), block.size());
      if (!count) return count.error();
      if (*count == 0) return sum.Finish();
      sum.Add({block.data(), *count});
      at += *count;
      Progress(*count);
    }
  }

  void VerifyUnlisted(const std::string& path) {
    if (!environment_.files.Exists(directory_ + "/" + path)) return;  // taken back
    const auto file = environment_.files.Open(directory_, path);
    std::string head(kArchiveLabelBytesMin, '\0');
    const Result<size_t> count = file ? (*file)->ReadAt(0, head.data(), head.size()) : file.error();
    if (!count) {
      Problem("unreadable", count.error(), path);
    } else if (AgentWrites() && ArchiveLabelLength(head)) {
      ++waiting_;
    } else {
      Problem("extra", directory_ + "/" + path, "no manifest has it");
    }
  }

  bool AgentWrites() {
    const auto lock = environment_.files.Lock(options_.directory);
    return !lock && lock.error().kind == ErrorKind::kTransient;
  }

  void VerifyOpen(const std::string& path) {
    const auto file = environment_.files.Open(directory_, path);
    if (!file && file.error().code == ENOENT) return;  // finished meanwhile
    const Result<ArchiveScan> scan = file ? ScanArchiveFile(**file) : file.error();
    if (!scan) {
      Problem("unreadable", scan.error(), path);
      return;
    }
    const Result<void> read =
        ReadArchiveFile(**file, scan->whole_bytes, [](std::string_view) { return true; });
    if (!read || scan->tail == ArchiveTail::kForeign) {
      Problem("unreadable", directory_ + "/" + path,
              read ? "not only the agent has written to it" : read.error().message);
      return;
    }
    ++files_;
    Progress(scan->whole_bytes);
  }

  void Progress(uint64_t bytes) {
    bytes_ += bytes;
    if (environment_.clock.Monotonic() < progress_due_) return;
    progress_due_ = environment_.clock.Monotonic() + kProgressEvery;
    fmt::print(environment_.progress, "{} files, {}, {} problem{} so far\n", files_,
               HumanBytes(bytes_), problems_, problems_ == 1 ? "" : "s");
  }

  const CatOptions& options_;
  const VerifyEnvironment& environment_;
  Duration progress_due_{0};
  bool archive_ = false;
  uint64_t files_ = 0, bytes_ = 0, lines_ = 0, problems_ = 0, waiting_ = 0;
  // Of the cluster at hand, by path below it.
  std::string directory_;
  std::set<std::string> finished_, open_;
  std::set<int64_t> hours_;
};

}  // namespace

bool Verify(const CatOptions& options, const VerifyEnvironment& environment) {
  Verification verification(options, environment);
  verification.Run();
  return verification.Summarise();
}

}  // namespace hinomi
