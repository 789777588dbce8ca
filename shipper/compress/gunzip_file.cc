#include "shipper/compress/gunzip_file.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/planted_bug.h"

namespace hinomi {
namespace {

constexpr size_t kInputBytes = 32 << 10;
constexpr size_t kFooterBytes = 8;
constexpr size_t kMemberBytesMin = 18;                      // header and footer
constexpr std::array<uint8_t, 3> kMagic = {0x1f, 0x8b, 8};  // deflate is the only method there is
// Deflate makes no more than 1032 bytes of one: below this the footer's 32 bits hold the size.
constexpr uint64_t kSizeFitsFooterBytes = 4 << 20;

Error Corrupt(std::string_view cause) {
  return {ErrorKind::kCorrupt, "cannot read a compressed log: " + std::string(cause)};
}

}  // namespace

struct GunzipCursors::Cursor {
  const GunzipFile* file = nullptr;
  uint64_t at = 0;     // of the content
  uint64_t taken = 0;  // of the compressed file
  bool ended = false;
  std::vector<uint8_t> input = std::vector<uint8_t>(kInputBytes);
  inflate_state state;

  void Reset(const GunzipFile& of) {
    file = &of;
    at = taken = 0;
    ended = false;
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
  }

  /// The next bytes of the content, up to `size`; fewer only at the end.
  Result<size_t> Read(File& compressed, char* out, size_t size) {
    state.next_out = reinterpret_cast<uint8_t*>(out);
    state.avail_out = static_cast<uint32_t>(size);
    while (state.avail_out > 0 && !ended) {
      if (state.avail_in == 0) {
        const Result<size_t> count =
            compressed.ReadAt(taken, reinterpret_cast<char*>(input.data()), input.size());
        if (!count) return count.error();
        if (*count == 0) return Corrupt("it ends too early");
        taken += *count;
        state.next_in = input.data();
        state.avail_in = static_cast<uint32_t>(*count);
      }
      if (isal_inflate(&state) != ISAL_DECOMP_OK) return Corrupt("it is damaged");
      ended = state.block_state == ISAL_BLOCK_FINISH;
    }
    const size_t count = size - state.avail_out;
    at += count;
    return count;
  }
};

GunzipCursors::GunzipCursors(size_t cursors_max) : cursors_max_(cursors_max) {}
GunzipCursors::~GunzipCursors() = default;

// The furthest one that is not beyond `offset`; several routes may read the same file.
GunzipCursors::Cursor& GunzipCursors::CursorFor(GunzipFile& file, uint64_t offset) {
  auto best = cursors_.end();
  for (auto it = cursors_.begin(); it != cursors_.end(); ++it) {
    if ((*it)->file != &file || (*it)->at > offset) continue;
    if (best == cursors_.end() || (*it)->at > (*best)->at) best = it;
  }
  if (best == cursors_.end()) {
    if (cursors_.size() < cursors_max_) cursors_.push_back(std::make_unique<Cursor>());
    best = std::prev(cursors_.end());
    (*best)->Reset(file);
  }
  cursors_.splice(cursors_.begin(), cursors_, best);
  return *cursors_.front();
}

Result<size_t> GunzipCursors::ReadAt(GunzipFile& file, uint64_t offset, char* out, size_t size) {
  const std::lock_guard lock(mutex_);
  Cursor& cursor = CursorFor(file, offset);
  std::array<char, 4096> passed_over;  // some callers' stacks are small
  while (cursor.at < offset && !PlantedBug(Bug::kGunzippedFromStart)) {
    const uint64_t step = std::min<uint64_t>(passed_over.size(), offset - cursor.at);
    const Result<size_t> count = cursor.Read(*file.file_, passed_over.data(), step);
    if (!count) cursor.Reset(file);
    if (!count) return count.error();
    if (*count < step) return 0;
  }
  Result<size_t> count = cursor.Read(*file.file_, out, size);
  if (count && cursor.at == file.size_) {
    // Only at its end does it show whether size and checksum are true.
    const Result<size_t> more = cursor.Read(*file.file_, passed_over.data(), 1);
    if (!more) count = more.error();
    if (more && *more > 0) count = Corrupt("it holds more than it says");
  }
  if (!count) cursor.Reset(file);
  return count;
}

void GunzipCursors::Forget(const GunzipFile& file) {
  const std::lock_guard lock(mutex_);
  std::erase_if(cursors_, [&](const auto& cursor) { return cursor->file == &file; });
}

Result<std::unique_ptr<GunzipFile>> GunzipFile::Open(std::shared_ptr<File> file,
                                                     GunzipCursors& cursors) {
  const Result<FileStat> stat = file->Stat();
  if (!stat) return stat.error();
  if (stat->size < kMemberBytesMin) return Corrupt("it is too short");
  std::array<uint8_t, 3> magic{};
  if (Result<size_t> read = file->ReadAt(0, reinterpret_cast<char*>(magic.data()), magic.size());
      !read || magic != kMagic) {
    return read ? Corrupt("it is no gzip file") : read.error();
  }
  std::array<uint8_t, kFooterBytes> footer{};
  const Result<size_t> count = file->ReadAt(stat->size - kFooterBytes,
                                            reinterpret_cast<char*>(footer.data()), footer.size());
  if (!count) return count.error();
  if (*count < footer.size()) return Corrupt("it was cut shorter");
  uint32_t size = 0;
  std::memcpy(&size, footer.data() + sizeof(uint32_t), sizeof size);
  std::unique_ptr<GunzipFile> opened(new GunzipFile(std::move(file), cursors, size));
  if (stat->size < kSizeFitsFooterBytes) return opened;
  opened->size_ = UINT64_MAX;
  std::vector<char> block(64 << 10);
  uint64_t whole = 0;
  while (true) {
    const Result<size_t> read = cursors.ReadAt(*opened, whole, block.data(), block.size());
    if (!read) return read.error();
    whole += *read;
    if (*read < block.size()) break;
  }
  if (static_cast<uint32_t>(whole) != size) return Corrupt("its size is not the one it says");
  opened->size_ = whole;
  return opened;
}

GunzipFile::~GunzipFile() { cursors_.Forget(*this); }

Result<size_t> GunzipFile::ReadAt(uint64_t offset, char* out, size_t size) {
  const Result<size_t> count = cursors_.ReadAt(*this, offset, out, size);
  if (count && *count < size && offset + *count < size_)
    return Corrupt("it holds less than it says");
  return count;
}

Result<FileStat> GunzipFile::Stat() {
  Result<FileStat> stat = file_->Stat();
  if (stat) stat->size = size_;
  return stat;
}

}  // namespace hinomi
