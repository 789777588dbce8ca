#include "shipper/sink/dead_letter_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <thread>

namespace hinomi {
namespace {

constexpr std::string_view kExtension = ".ndjson";
constexpr std::string_view kReplacement = "replay.new";  // a file on its way to be renamed
constexpr int kLockTries = 50;
constexpr Duration kLockWait = std::chrono::milliseconds(20);
constexpr size_t kBlockBytes = 1 << 20;

std::string NameOf(uint64_t number) { return fmt::format("{:06}{}", number, kExtension); }

// The number of a file that NameOf named; 0 for any other.
uint64_t NumberOf(std::string_view name) {
  if (!name.ends_with(kExtension)) return 0;
  const std::string_view digits = name.substr(0, name.size() - kExtension.size());
  uint64_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return parsed.ptr == digits.data() + digits.size() && parsed.ec == std::errc() ? number : 0;
}

// Tells `take` of bytes [begin, end) of a file, block by block.
Result<void> ReadBlocks(File& file, uint64_t begin, uint64_t end,
                        const std::function<Result<bool>(std::string_view)>& take) {
  std::string block(kBlockBytes, '\0');
  while (begin < end) {
    const size_t size = std::min<uint64_t>(block.size(), end - begin);
    const Result<size_t> count = file.ReadAt(begin, block.data(), size);
    if (!count) return count.error();
    if (*count == 0) return {};
    begin += *count;
    const Result<bool> more = take(std::string_view(block).substr(0, *count));
    if (!more) return more.error();
    if (!*more) return {};
  }
  return {};
}

}  // namespace

bool IsDeadLetterFile(std::string_view name) { return NumberOf(name) != 0 || name == kReplacement; }

std::string DeadLetterFiles::PathOf(uint64_t number) const {
  return directory_ + "/" + NameOf(number);
}

Result<std::unique_ptr<FileLock>> DeadLetterFiles::Lock() const {
  for (int tries = 1;; ++tries) {
    Result<std::unique_ptr<FileLock>> lock = files_.Lock(directory_);
    const bool held = !lock && lock.error().kind == ErrorKind::kTransient;
    if (!held || tries == kLockTries) return lock;
    std::this_thread::sleep_for(kLockWait);
  }
}

Result<std::vector<DeadLetterFiles::Stored>> DeadLetterFiles::List() const {
  std::vector<Stored> stored;
  const Result<std::vector<DirectoryEntry>> listed = files_.List(directory_, "");
  if (!listed && listed.error().code == ENOENT) return stored;
  if (!listed) return listed.error();
  for (const DirectoryEntry& entry : *listed) {
    const uint64_t number = NumberOf(entry.name);
    if (number == 0) continue;
    const Result<FileStat> stat = files_.Stat(directory_, entry.name);
    if (!stat && stat.error().code == ENOENT) continue;
    if (!stat) return stat.error();
    stored.push_back({number, stat->size});
  }
  std::sort(stored.begin(), stored.end(),
            [](const Stored& a, const Stored& b) { return a.number < b.number; });
  return stored;
}

Result<void> DeadLetterFiles::Read(uint64_t number, Range range, const TakeLine& take) const {
  const Result<std::unique_ptr<File>> file = files_.Open(directory_, NameOf(number));
  if (!file && file.error().code == ENOENT) return {};
  if (!file) return file.error();
  std::string pending;  // from `offset` on
  uint64_t offset = range.begin;
  return ReadBlocks(**file, range.begin, range.end, [&](std::string_view block) -> Result<bool> {
    pending.append(block);
    std::string_view rest = pending;
    bool more = true;
    for (size_t end = rest.find('\n'); more && end != std::string_view::npos;
         end = rest.find('\n')) {
      more = take(rest.substr(0, end), offset);
      offset += end + 1;
      rest.remove_prefix(end + 1);
    }
    pending.erase(0, pending.size() - rest.size());
    return more;
  });
}

Result<void> DeadLetterFiles::Append(uint64_t number, uint64_t offset,
                                     std::string_view lines) const {
  const Result<std::unique_ptr<WritableFile>> file = files_.OpenWritable(PathOf(number));
  if (!file) return file.error();
  if (auto written = (*file)->WriteAt(offset, lines); !written) return written;
  if (auto synced = (*file)->Sync(); !synced) return synced;
  return offset == 0 ? files_.SyncDirectory(directory_) : Result<void>();
}

Result<void> DeadLetterFiles::Replace(uint64_t number, Range range, std::string_view lines) const {
  const Result<std::unique_ptr<File>> old = files_.Open(directory_, NameOf(number));
  if (!old) return old.error().code == ENOENT ? Result<void>() : old.error();
  const Result<FileStat> stat = (*old)->Stat();
  if (!stat) return stat.error();
  if (stat->size == range.end - range.begin && lines.empty()) return Remove(number);
  const Result<void> written = WriteReplaced(**old, stat->size, range, lines);
  const std::string path = directory_ + "/" + std::string(kReplacement);
  if (!written) {
    files_.Remove(path).ok();
    return written;
  }
  if (auto renamed = files_.Rename(path, PathOf(number)); !renamed) return renamed;
  return files_.SyncDirectory(directory_);
}

Result<void> DeadLetterFiles::WriteReplaced(File& old, uint64_t old_bytes, Range range,
                                            std::string_view lines) const {
  const Result<std::unique_ptr<WritableFile>> file =
      files_.OpenWritable(directory_ + "/" + std::string(kReplacement));
  if (!file) return file.error();
  if (auto emptied = (*file)->Truncate(0); !emptied) return emptied;
  uint64_t size = 0;
  const auto write = [&](std::string_view bytes) -> Result<bool> {
    if (auto written = (*file)->WriteAt(size, bytes); !written) return written.error();
    size += bytes.size();
    return true;
  };
  if (auto copied = ReadBlocks(old, 0, range.begin, write); !copied) return copied;
  if (auto replaced = write(lines); !replaced) return replaced.error();
  if (auto copied = ReadBlocks(old, range.end, old_bytes, write); !copied) return copied;
  return (*file)->Sync();
}

Result<void> DeadLetterFiles::Truncate(uint64_t number, uint64_t bytes) const {
  const Result<std::unique_ptr<WritableFile>> file = files_.OpenWritable(PathOf(number));
  return file ? (*file)->Truncate(bytes) : file.error();
}

Result<void> DeadLetterFiles::Remove(uint64_t number) const {
  const Result<void> removed = files_.Remove(PathOf(number));
  if (!removed && removed.error().code != ENOENT) return removed;
  return files_.SyncDirectory(directory_);
}

Result<void> DeadLetterFiles::Tidy() const {
  const Result<void> removed = files_.Remove(directory_ + "/" + std::string(kReplacement));
  return removed || removed.error().code == ENOENT ? Result<void>() : removed;
}

}  // namespace hinomi
