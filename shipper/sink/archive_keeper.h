// What becomes of an archive's files once they are finished: their hour's manifest says what they
// are, and those that are beyond the limits are removed, the oldest first (docs/sinks/archive.md).
// What it has to know it finds out by looking at the whole archive now and then: it keeps no state
// but the manifests. Knows nothing of records.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/metrics.h"
#include "config/config.h"
#include "shipper/sink/archive_file.h"
#include "shipper/sink/archive_manifest.h"

namespace hinomi {

/// One thread, which holds the archive's lock.
class ArchiveKeeper {
 public:
  struct Options {
    std::string sink;       // its name, for metrics
    std::string directory;  // of the cluster
    RetentionConfig retention;
  };
  struct Environment {
    FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
  };
  /// Touches no disk.
  /// Metrics: hinomi_archive_bytes{sink}, what all files take up; hinomi_archive_removed_{files,
  /// bytes}_total{sink}, what was beyond the limits.
  ArchiveKeeper(Options options, const Environment& environment);

  /// The finished file of that path is about to be written to again: no manifest speaks of it any
  /// more. Errors: io, corrupt.
  Result<void> Release(const std::string& path);
  /// That file has got its final name, on the disk.
  void Finished(const std::string& path);
  /// So many bytes were written.
  void Grown(uint64_t bytes) { bytes_ += bytes; }

  /// Does a part of what there is to do, for about a tenth of a second. What fails is logged, and
  /// tried again. Returns the files that are still open, when it has looked at the whole archive.
  std::vector<ArchivePlace> Work();
  /// Whether there is more to do right away.
  bool busy() const;

 private:
  using Hour = int64_t;
  struct Listed {
    uint64_t name = 0;  // hash
    uint64_t bytes = 0;
  };

  void Survey();
  void SurveySoon();
  void SurveyManifests();
  void SurveyFiles(const std::string& relative, int level);
  void SurveyFile(const std::string& relative, const ArchiveFileName& name);
  bool BeginsWithLabel(const std::string& relative);
  std::string Relative(const std::string& path) const;

  Result<ArchiveManifest> Load(Hour hour);
  Result<void> Store(Hour hour, const ArchiveManifest& manifest);

  void List(Duration until);
  ArchiveManifest DigestHour(Hour hour, Duration until);
  Result<bool> Digest(const std::string& path, Duration until);

  void Retain(Duration until);
  bool RemoveFrom(Hour hour, uint64_t bytes_wanted);
  Result<bool> Remove(const std::string& path);

  const Options options_;
  const Environment environment_;
  Gauge size_;
  Counter removed_files_, removed_bytes_;

  Duration survey_due_{0};  // monotonic
  Duration retry_at_{0};
  std::set<Hour> hours_;  // that have a manifest
  uint64_t bytes_ = 0;
  std::set<std::pair<Hour, std::string>> unlisted_;  // finished files that need an entry
  std::optional<ArchiveDigest> digest_;              // of one of them, half read
  std::string digest_path_;
  // Of a survey.
  std::vector<Listed> listed_;  // by name
  std::vector<ArchivePlace> open_;
};

}  // namespace hinomi
