// A log in the form that batches have, and what an archive holds of it: for the tests of the
// archive.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/filesystem.h"
#include "shipper/batch.h"
#include "shipper/sink/archive_manifest.h"
#include "shipper/sink/archive_reader.h"

namespace hinomi {

/// Records of one log, in segments. What Add and Overlap make is numbered.
class FakeLog {
 public:
  explicit FakeLog(const std::string& pod = "web-0", const std::string& container = "main") {
    origin_->pod.namespace_name = "prod";
    origin_->pod.pod_name = pod;
    origin_->pod.container_name = container;
    origin_->log_hash = Hash64Of(pod + container);
    NextSegment();
  }

  void NextSegment() { sizes_.push_back(0); }
  /// One record of one line, of that hour of 2026-11-21.
  void Add(int hour) {
    const Position begin = here();
    Grow(kLineBytes);
    Emit(hour, {begin, here(), true});
  }
  /// A record of `hour` whose rest comes after a record of `hour_between`; the rest may lie in the
  /// next segment.
  void Overlap(int hour, int hour_between, bool over_segments = false) {
    const Position begin = here();
    Grow(kLineBytes);
    const Position begin_between = here();
    Grow(kLineBytes);
    Emit(hour_between, {begin_between, here(), false});
    if (over_segments) NextSegment();
    Grow(kLineBytes);
    Emit(hour, {begin, here(), true});
  }
  /// Bytes that are no records.
  void Garbage() { Grow(kLineBytes); }

  size_t size() const { return records_.size(); }
  /// The next place at or after record `i` where the log can be split.
  size_t Split(size_t i) const {
    while (i > 0 && i < size() && !records_[i - 1].boundary) ++i;
    return std::min(i, size());
  }
  /// Appends records [first, last) as one slice; both are places where the log can be split.
  void AddTo(Batch* batch, size_t first, size_t last) const {
    CHECK(first < last && Split(first) == first && Split(last) == last);
    Slice slice;
    slice.origin = origin_;
    slice.begin = first == 0 ? Position{} : records_[first - 1].end;
    slice.end = records_[last - 1].end;
    for (uint32_t segment = slice.begin.segment; segment <= slice.end.segment; ++segment) {
      const uint64_t begin = segment == slice.begin.segment ? slice.begin.offset : 0;
      const uint64_t end = segment == slice.end.segment ? slice.end.offset : sizes_[segment];
      if (begin < end) slice.ranges.push_back({segment, 1000 + segment, begin, end});
    }
    for (size_t i = first; i < last; ++i) {
      BatchRecord& record = batch->records.emplace_back();
      record.begin = static_cast<uint32_t>(batch->bytes.size());
      batch->bytes += Text(i);
      record.end = static_cast<uint32_t>(batch->bytes.size());
      record.slice = static_cast<uint32_t>(batch->slices.size());
      record.source = records_[i].begin;
      record.source_end = records_[i].end;
    }
    batch->slices.push_back(std::move(slice));
  }
  /// A batch of records [first, last).
  Batch BatchOf(size_t first, size_t last) const {
    Batch batch;
    AddTo(&batch, first, last);
    return batch;
  }
  /// What a batch has of it.
  std::string Text(size_t i) const {
    if (lines_) return fmt::format("2026-11-21T{:02}:00:00Z {}", records_[i].hour, Line(i));
    return fmt::format("{{\"@timestamp\":\"2026-11-21T{:02}:00:00Z\",\"pod\":\"{}\",\"n\":{}}}\n",
                       records_[i].hour, origin_->pod.pod_name, i);
  }
  std::string Line(size_t i) const { return fmt::format("line {}\n  of {}\n", i, records_.size()); }
  /// Batches of it have plain lines, no documents.
  void MakeLines() { lines_ = true; }
  const Origin& origin() const { return *origin_; }

 private:
  static constexpr uint64_t kLineBytes = 10;
  struct Entry {
    Position begin;
    Position end;
    bool boundary = true;
    int hour = 0;
  };

  Position here() const { return {static_cast<uint32_t>(sizes_.size() - 1), sizes_.back()}; }
  void Grow(uint64_t bytes) { sizes_.back() += bytes; }
  void Emit(int hour, Entry entry) {
    entry.hour = hour;
    records_.push_back(entry);
  }

  std::shared_ptr<Origin> origin_ = std::make_shared<Origin>();
  std::vector<uint64_t> sizes_;  // of segments
  std::vector<Entry> records_;
  bool lines_ = false;
};

/// The content of every file of an archive, by path below it.
inline std::map<std::string, std::string> ArchiveContent(const std::string& directory) {
  std::map<std::string, std::string> contents;
  PosixFileSystem files;
  if (!files.Exists(directory)) return contents;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const std::string path = std::filesystem::relative(entry.path(), directory);
    if (!entry.is_regular_file() || path.find(kArchiveManifests) != std::string::npos) continue;
    const std::unique_ptr<File> file = std::move(*files.Open(directory, path));
    std::string& content = contents[path];
    const Result<void> read =
        ReadArchiveFile(*file, file->Stat()->size, [&](std::string_view piece) {
          content += piece;
          return true;
        });
    if (!read) content += "DAMAGED";
  }
  return contents;
}

/// What a manifest has to say of a file now.
inline ArchiveFacts FactsOf(const std::string& directory, const std::string& path) {
  PosixFileSystem files;
  const std::unique_ptr<File> file = std::move(*files.Open(directory, path));
  ArchiveDigest digest;
  CHECK(*digest.Continue(*file, UINT64_MAX));
  return digest.Finish();
}

/// Of all hours of a cluster's directory.
inline ArchiveManifest ArchiveManifestsOf(const std::string& directory) {
  ArchiveManifest all;
  PosixFileSystem files;
  const std::string manifests = directory + "/" + std::string(kArchiveManifests);
  if (!files.Exists(manifests)) return all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(manifests)) {
    const auto hour = ParseArchiveManifestName(entry.path().parent_path().filename().string(),
                                               entry.path().filename().string());
    if (hour) all.merge(*ReadArchiveManifest(files, directory, *hour));
  }
  return all;
}

/// Finished files of a cluster's directory, by path below it.
inline std::vector<std::string> FinishedFiles(const std::string& directory) {
  std::vector<std::string> paths;
  for (const auto& [path, content] : ArchiveContent(directory)) {
    if (!ParseArchivePath(path)->open) paths.push_back(path);
  }
  return paths;
}

/// The entries that are not true of the files.
inline std::vector<std::string> WrongEntries(const std::string& directory) {
  std::vector<std::string> wrong;
  for (const auto& [path, facts] : ArchiveManifestsOf(directory)) {
    if (!std::filesystem::exists(directory + "/" + path) || FactsOf(directory, path) != facts) {
      wrong.push_back(path);
    }
  }
  return wrong;
}

/// All lines of the archive, sorted.
inline std::vector<std::string> ArchiveLines(const std::string& directory) {
  std::vector<std::string> lines;
  for (const auto& [path, content] : ArchiveContent(directory)) {
    for (size_t begin = 0; begin < content.size();) {
      const size_t end = std::min(content.find('\n', begin), content.size() - 1) + 1;
      lines.push_back(content.substr(begin, end - begin));
      begin = end;
    }
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace hinomi
