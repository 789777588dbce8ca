#include "shipper/sink/archive_file.h"

#include <fmt/format.h>

#include <cerrno>

#include "base/logging.h"

namespace hinomi {

ArchiveFile::ArchiveFile(FileSystem& files, std::string directory, int64_t hour)
    : files_(files),
      directory_(std::move(directory)),
      hour_(hour),
      stem_(directory_ + "/" + ArchiveHourName(hour)) {}

void ArchiveFile::Close() {
  handle_.reset();
  written_bytes_ = 0;
}

Result<void> ArchiveFile::Open() {
  const std::string open_path = stem_ + std::string(kArchiveOpenSuffix);
  const std::string final_path = stem_ + std::string(kArchiveSuffix);
  if (!files_.Exists(open_path)) {
    if (auto made = files_.MakeDirectories(directory_); !made) return made;
    fresh_ = true;
    if (files_.Exists(final_path)) {
      if (auto renamed = files_.Rename(final_path, open_path); !renamed) return renamed;
    }
  }
  Result<std::unique_ptr<WritableFile>> opened = files_.OpenWritable(open_path);
  if (!opened) return opened.error();
  handle_ = std::move(*opened);
  const Result<FileStat> stat = handle_->Stat();
  if (!stat) return stat.error();
  if (!known_ || stat->inode != inode_ || stat->size < synced_bytes_) {
    inode_ = stat->inode;
    return Learn();
  }
  return stat->size == synced_bytes_ ? Result<void>() : handle_->Truncate(synced_bytes_);
}

Result<void> ArchiveFile::Learn() {
  known_ = false;
  fresh_ = true;
  coverage_ = {};
  Result<ArchiveScan> scan = ScanArchiveFile(*handle_);
  if (!scan) return scan.error();
  if (scan->tail == ArchiveTail::kForeign) return SetAside();
  if (scan->tail == ArchiveTail::kTorn) {
    log::Warn("\"{}{}\": cut off {} bytes of a write that was not finished; nothing is lost", stem_,
              kArchiveOpenSuffix, scan->bytes - scan->whole_bytes);
    if (auto cut = handle_->Truncate(scan->whole_bytes); !cut) return cut;
  }
  // The process before this one may have ended between its write and its sync.
  if (auto synced = handle_->Sync(); !synced) return synced;
  for (const ArchiveClaim& claim : scan->claims) coverage_.Add(claim);
  synced_bytes_ = scan->whole_bytes;
  known_ = true;
  return {};
}

Result<void> ArchiveFile::SetAside() {
  std::string aside;
  for (int number = 1; aside.empty() || files_.Exists(aside); ++number) {
    aside = fmt::format("{}.damaged-{}{}", stem_, number, kArchiveSuffix);
  }
  const std::string open_path = stem_ + std::string(kArchiveOpenSuffix);
  Close();
  if (auto renamed = files_.Rename(open_path, aside); !renamed) return renamed;
  log::Error("\"{}\" is damaged, or not only the agent has written to it; it is kept as \"{}\"",
             open_path, aside);
  return Open();
}

Result<void> ArchiveFile::CheckPlace() {
  const std::string path = stem_ + std::string(kArchiveOpenSuffix);
  const Result<FileStat> stat =
      files_.Stat(directory_, ArchiveHourName(hour_) + std::string(kArchiveOpenSuffix));
  if (!stat) return stat.error();
  if (stat->inode == inode_) return {};
  return IoError("write", path, ESTALE);
}

Result<void> ArchiveFile::Append(std::string_view bytes) {
  Result<void> written = handle_->WriteAt(synced_bytes_ + written_bytes_, bytes);
  written_bytes_ += bytes.size();
  return written;
}

Result<void> ArchiveFile::Sync() {
  if (auto synced = handle_->Sync(); !synced) return synced;
  return CheckPlace();
}

void ArchiveFile::Add(const std::vector<ArchiveClaim>& claims) {
  for (const ArchiveClaim& claim : claims) coverage_.Add(claim);
  synced_bytes_ += written_bytes_;
  written_bytes_ = 0;
}

Result<void> ArchiveFile::Finish() {
  const std::string final_path = stem_ + std::string(kArchiveSuffix);
  // Never over another file: somebody put it there.
  if (files_.Exists(final_path)) return {};
  Close();
  return files_.Rename(stem_ + std::string(kArchiveOpenSuffix), final_path);
}

}  // namespace hinomi
