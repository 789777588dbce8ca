// A rotated file that calls itself compressed: whatever is in it is read to some end or refused,
// and reading anywhere gives what reading from the beginning gives. A checksum keeps a fuzzer out,
// so the bytes are also compressed, and damaged.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/check.h"
#include "shipper/compress/gunzip_file.h"
#include "shipper/compress/gzip.h"

namespace hinomi {
namespace {

constexpr uint64_t kBytesMax = 1 << 20;  // a small file may hold very much

class MemoryFile final : public File {
 public:
  explicit MemoryFile(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
    if (offset >= bytes_.size()) return 0;
    return bytes_.copy(out, size, offset);
  }
  Result<FileStat> Stat() override { return FileStat{FileKind::kRegular, 1, bytes_.size()}; }
  Result<void> LinkTo(const std::string& path) override {
    return IoError("link to", path, ENOTSUP);
  }

 private:
  const std::string bytes_;
};

/// The content, up to kBytesMax, read in pieces of that size; none when it is damaged.
std::optional<std::string> Read(GunzipFile& file, size_t piece) {
  std::string content;
  std::string buffer(piece, '\0');
  while (content.size() < kBytesMax) {
    const Result<size_t> count = file.ReadAt(content.size(), buffer.data(), piece);
    if (!count) return std::nullopt;
    CHECK(*count <= piece);
    if (*count == 0) break;
    content.append(buffer, 0, *count);
  }
  return content;
}

std::optional<std::string> Gunzip(const std::string& bytes, size_t place) {
  GunzipCursors cursors(1);
  const auto file = GunzipFile::Open(std::make_shared<MemoryFile>(bytes), cursors);
  if (!file) return std::nullopt;
  const std::optional<std::string> whole = Read(**file, 64 << 10);
  const std::optional<std::string> pieces = Read(**file, 1 + place % 4096);
  if (!whole || !pieces) return std::nullopt;
  const size_t both = std::min(whole->size(), pieces->size());
  CHECK(whole->substr(0, both) == pieces->substr(0, both));
  if (whole->empty()) return whole;
  std::string part(16, '\0');
  const size_t offset = place % whole->size();
  if (const Result<size_t> count = (*file)->ReadAt(offset, part.data(), part.size())) {
    const size_t seen = std::min(*count, whole->size() - offset);
    CHECK(part.substr(0, seen) == whole->substr(offset, seen));
  }
  return whole;
}

}  // namespace
}  // namespace hinomi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hinomi;
  if (size < 2) return 0;
  const size_t place = data[0] * 256 + data[1];
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  Gunzip(bytes, place);
  GzipCompressor compressor;
  const std::string_view part = bytes;
  const std::string good(compressor.Compress({&part, 1}));
  CHECK(Gunzip(good, place) == bytes);
  constexpr size_t kHeaderBytes = 10;  // what it says of times and systems does not matter
  std::string bad = good;
  char& byte = bad[kHeaderBytes + place % (bad.size() - kHeaderBytes)];
  byte = static_cast<char>(byte ^ (1 << place % 8));
  const std::optional<std::string> read = Gunzip(bad, place);
  CHECK(!read || *read == bytes);
  return 0;
}
