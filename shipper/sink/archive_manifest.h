// What an archive says of its finished files: one manifest per hour, each line a JSON object about
// one file (docs/sinks/archive.md). It is replaced as a whole, so that a crash leaves the old one
// or the new one. Knows nothing of who writes files.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/filesystem.h"
#include "base/result.h"
#include "base/sha256.h"
#include "shipper/compress/zstd.h"
#include "shipper/sink/archive_format.h"

namespace hinomi {

struct ArchiveFacts {
  uint64_t bytes = 0;
  std::optional<uint64_t> lines;  // nothing when it could not be read to its end
  std::string sha256;             // 64 hexadecimal digits
  bool operator==(const ArchiveFacts&) const = default;
};

/// By path below the cluster's directory: <namespace>/<pod>/<container>/<date>/<file>.
using ArchiveManifest = std::map<std::string, ArchiveFacts>;

/// Below a cluster's directory. No namespace's directory begins with a dot.
inline constexpr std::string_view kArchiveManifests = ".manifests";
/// ".manifests/2026-11-21/07.ndjson".
std::string ArchiveManifestPath(int64_t hour);
/// The hour of a manifest by the names of its directory and its own; nothing for anything else.
std::optional<int64_t> ParseArchiveManifestName(std::string_view date, std::string_view name);
/// What a file of an archive is by its path below the cluster's directory. Nothing when it is none,
/// or could lead anywhere else.
std::optional<ArchiveFileName> ParseArchivePath(std::string_view path);

std::string EncodeArchiveManifest(const ArchiveManifest& manifest);
/// Errors: corrupt, also when it has a path that is not a finished file's of that hour.
Result<ArchiveManifest> ParseArchiveManifest(std::string_view text, int64_t hour);

/// That of an hour below a cluster's `directory`; an empty one when there is none. Errors: io,
/// corrupt.
Result<ArchiveManifest> ReadArchiveManifest(FileSystem& files, const std::string& directory,
                                            int64_t hour);
/// Is on the disk when it returns; an empty one is removed. Errors: io, the old one then stays.
Result<void> WriteArchiveManifest(FileSystem& files, const std::string& directory, int64_t hour,
                                  const ArchiveManifest& manifest);

/// Finds out what a manifest says of a file, in one reading of it, piece by piece.
class ArchiveDigest {
 public:
  /// Reads up to `bytes_max` more. True at the end of the file. Errors: io.
  Result<bool> Continue(File& file, uint64_t bytes_max);
  uint64_t bytes() const { return bytes_; }
  /// At the end of the file, once.
  ArchiveFacts Finish();

 private:
  Sha256 sum_;
  ZstdDecompressor decompressor_;
  std::string block_;
  uint64_t bytes_ = 0;
  uint64_t lines_ = 0;
  bool readable_ = true;
};

}  // namespace hinomi
