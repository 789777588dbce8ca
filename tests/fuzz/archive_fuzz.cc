// The reader of an archive's files against any bytes: a label is refused or is what is written
// again; a file is scanned and read to some end. Checksums keep a fuzzer out, so the bytes are also
// tried as the claims and as the records of a whole flush. They are tried as a manifest too.
#include <cstdint>
#include <cstring>
#include <string>

#include "base/check.h"
#include "shipper/compress/zstd.h"
#include "shipper/sink/archive_manifest.h"
#include "shipper/sink/archive_reader.h"

namespace hinomi {
namespace {

class MemoryFile final : public File {
 public:
  explicit MemoryFile(std::string_view bytes) : bytes_(bytes) {}
  Result<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
    if (offset >= bytes_.size()) return 0;
    return bytes_.copy(out, size, offset);
  }
  Result<FileStat> Stat() override { return FileStat{FileKind::kRegular, 1, bytes_.size()}; }
  Result<void> LinkTo(const std::string& path) override {
    return IoError("link to", path, ENOTSUP);
  }

 private:
  std::string_view bytes_;
};

ArchiveScan Scan(std::string_view bytes) {
  MemoryFile file(bytes);
  Result<ArchiveScan> scan = ScanArchiveFile(file);
  CHECK(scan.ok());
  CHECK(scan->whole_bytes <= bytes.size());
  CHECK((scan->tail == ArchiveTail::kNone) == (scan->whole_bytes == bytes.size()));
  uint64_t left = 1 << 20;  // a small frame may hold very much
  const Result<void> read = ReadArchiveFile(file, bytes.size(), [&](std::string_view piece) {
    left -= std::min<uint64_t>(left, piece.size());
    return left > 0;
  });
  (void)read;
  return std::move(*scan);
}

// What a manifest names may be removed: it stays within the archive, and is written as it was read.
void CheckManifest(std::string_view bytes) {
  constexpr int64_t kHour = 498679;
  const Result<ArchiveManifest> manifest = ParseArchiveManifest(bytes, kHour);
  if (!manifest) return;
  for (const auto& [path, facts] : *manifest) {
    CHECK(path[0] != '/' && path[0] != '.' && path.find("/.") == std::string::npos);
  }
  CHECK(*ParseArchiveManifest(EncodeArchiveManifest(*manifest), kHour) == *manifest);
}

}  // namespace
}  // namespace hinomi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hinomi;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Scan(bytes);
  const Result<ArchiveLabel> label = DecodeArchiveLabel(bytes);
  CHECK(!label.ok() || EncodeArchiveLabel(*label) == bytes);
  (void)ArchiveRecordTime(bytes);
  (void)ArchiveHours().HourOf(bytes);
  (void)ParseArchiveFileName("2026-11-21", bytes);
  CheckManifest(bytes);
  const std::string component = ArchiveComponent(bytes);
  CHECK(!component.empty() && component[0] != '.' && component.find('/') == std::string::npos);

  ArchiveLabel made{0, std::vector<ArchiveClaim>(size / sizeof(ArchiveClaim))};
  if (!made.claims.empty()) {
    std::memcpy(made.claims.data(), data, made.claims.size() * sizeof(ArchiveClaim));
  }
  ZstdCompressor compressor(1);
  const std::string_view frame = compressor.Compress({&bytes, 1});
  made.data_bytes = frame.size();
  const std::string flush = EncodeArchiveLabel(made) + std::string(frame);
  const ArchiveScan scan = Scan(flush + std::string(bytes));
  CHECK(scan.whole_bytes >= flush.size());
  ArchiveCoverage coverage;
  for (const ArchiveClaim& claim : made.claims) coverage.Add(claim);
  for (const ArchiveClaim& claim : made.claims) {
    CHECK(claim.begin >= claim.end || (coverage.Covers(claim) && coverage.Touches(claim)));
  }
  return 0;
}
