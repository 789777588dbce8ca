// Writes records into compressed files, one per container and hour (docs/sinks/archive.md). A
// record is acknowledged once it and its file's name are on the disk. The files themselves know
// which bytes of which logs they hold, so a batch that comes again, for whatever reason, is written
// once (docs/decisions/0006-the-archive-knows-what-it-holds.md).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/metrics.h"
#include "config/config.h"
#include "shipper/compress/zstd.h"
#include "shipper/sink.h"
#include "shipper/sink/archive_file.h"
#include "shipper/sink/archive_format.h"
#include "shipper/sink/archive_keeper.h"

namespace hinomi {

class ArchiveSink final : public Sink {
 public:
  struct Options {
    std::string name;     // the sink's in the configuration
    std::string cluster;  // the first directory below config.directory
    ArchiveConfig config;
    size_t open_files_max = 256;    // at once, while a batch is written
    size_t known_files_max = 4096;  // whose coverage is kept in memory; others are read again
  };
  struct Environment {
    FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
  };
  /// Touches no disk.
  /// Metrics: hinomi_sink_sent_bytes_total{sink}, bytes written after compression; ArchiveKeeper's.
  ArchiveSink(Options options, const Environment& environment);

  RecordFormat format() const override;
  /// A disk that hangs blocks it for as long as it hangs.
  Attempt Deliver(Batch& batch, uint32_t lane, const std::stop_token& stop) override;
  /// Whether it may write to the directory: says cause and cure. Leaves no trace.
  Attempt Try(const std::stop_token& stop) override;
  Duration patience() const override { return std::chrono::seconds(10); }
  /// Gives files whose hour is over their final names, those of an earlier process as well; lists
  /// them, and removes those beyond the limits.
  void Tidy() override;

 private:
  /// Consecutive records of one slice that go to the same file.
  struct Run {
    uint32_t slice = 0;
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  /// What one file gets of a batch.
  struct Share {
    ArchiveFile* file = nullptr;
    std::vector<Run> runs;
    std::vector<ArchiveClaim> claims;
    uint64_t written_bytes = 0;
    bool failed = false;
  };

  std::vector<Share> SharesOf(const Batch& batch);
  ArchiveFile& FileOf(const Origin& origin, int64_t hour);
  ArchiveFile& FileAt(const ArchivePlace& place);
  Result<void> Prepare();
  Result<void> TryToWrite();
  std::string_view TimeOf(std::string_view record) const;
  Result<void> Write(const Batch& batch, Share* share);
  void AddRun(const Batch& batch, const Run& run, Share* share);
  void Commit(Batch& batch, std::span<Share> shares, Attempt* attempt);
  void Acknowledge(Batch& batch, const Share& share);
  Result<void> SyncNames(std::span<Share> shares);
  void ForgetAllBut(size_t known_files);
  bool Finish(ArchiveFile& file);

  const Options options_;
  const Environment environment_;
  Counter sent_bytes_;
  ZstdCompressor compressor_;
  ArchiveHours hours_;
  std::unique_ptr<FileLock> lock_;
  ArchiveKeeper keeper_;
  std::map<std::string, ArchiveFile> files_;  // by path
  uint64_t uses_ = 0;
  Duration tidied_{0};  // monotonic

  std::vector<std::string_view> parts_;  // kept for its memory
};

}  // namespace hinomi
