// Open files, and how many there may be.
// Source: /proc/sys/fs/file-nr: allocated, free, maximum.
#include "collector/node/filefd.h"

#include "collector/words.h"

namespace hinomi {

Result<FileDescriptors> ParseFileNr(std::string_view text) {
  const auto counts = ParseCounts(TakeLine(&text).value_or(""));
  if (!counts || counts->size() != 3) return Unexpected("/proc/sys/fs/file-nr", "three numbers");
  return FileDescriptors{(*counts)[0], (*counts)[2]};
}

namespace {

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  return ForFile(parts.host, "/proc/sys/fs/file-nr", ParseFileNr, [&](FileDescriptors files) {
    out.Single(kFilefdMetrics[0], static_cast<double>(files.allocated));
    out.Single(kFilefdMetrics[1], static_cast<double>(files.maximum));
  });
}

}  // namespace

std::unique_ptr<Collector> MakeFilefd(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
