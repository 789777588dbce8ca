#include "shipper/sink/archive_file.h"

#include <fmt/format.h>

#include <cerrno>

#include "base/logging.h"

namespace hinomi {

std::string ArchivePlace::Path() const {
  return fmt::format("{}/{}{}", directory, ArchiveHourName(hour), ArchiveSuffix(format));
}

ArchiveFile::ArchiveFile(FileSystem& files, ArchivePlace place, Release release)
    : files_(files),
      place_(std::move(place)),
      release_(std::move(release)),
      final_path_(place_.Path()),
      open_path_(final_path_ + std::string(kArchiveOpen)) {}

void ArchiveFile::Close() {
  handle_.reset();
  written_bytes_ = 0;
}

void ArchiveFile::Forget() {
  known_ = false;
  coverage_ = {};
}

Result<void> ArchiveFile::Open() {
  if (!files_.Exists(open_path_)) {
    if (auto made = files_.MakeDirectories(place_.directory); !made) return made;
    fresh_ = true;
    if (files_.Exists(final_path_)) {
      if (auto released = release_(final_path_); !released) return released;
      if (auto renamed = files_.Rename(final_path_, open_path_); !renamed) return renamed;
    }
  }
  Result<std::unique_ptr<WritableFile>> opened = files_.OpenWritable(open_path_);
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
    log::Warn("\"{}\": cut off {} bytes of a write that was not finished; nothing is lost",
              open_path_, scan->bytes - scan->whole_bytes);
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
    aside = fmt::format("{}/{}.damaged-{}{}", place_.directory, ArchiveHourName(place_.hour),
                        number, ArchiveSuffix(place_.format));
  }
  Close();
  if (auto renamed = files_.Rename(open_path_, aside); !renamed) return renamed;
  log::Error("\"{}\" is damaged, or not only the agent has written to it; it is kept as \"{}\"",
             open_path_, aside);
  return Open();
}

Result<void> ArchiveFile::CheckPlace() {
  const std::string name = open_path_.substr(place_.directory.size() + 1);
  const Result<FileStat> stat = files_.Stat(place_.directory, name);
  if (!stat) return stat.error();
  if (stat->inode == inode_) return {};
  return IoError("write", open_path_, ESTALE);
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

Result<bool> ArchiveFile::Finish() {
  // Never over another file.
  if (files_.Exists(final_path_) || !files_.Exists(open_path_)) return false;
  // What is not acknowledged is cut off.
  const Result<void> opened = Open();
  Close();
  if (!opened) return opened.error();
  if (auto renamed = files_.Rename(open_path_, final_path_); !renamed) return renamed.error();
  if (auto synced = files_.SyncDirectory(place_.directory); !synced) return synced.error();
  return true;
}

}  // namespace hinomi
