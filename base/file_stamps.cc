#include "base/file_stamps.h"

#include <filesystem>
#include <utility>

namespace hinomi {

FileStamps::FileStamps(FileSystem& files, std::vector<std::string> paths)
    : files_(files), paths_(std::move(paths)) {
  std::erase(paths_, "");
  for (std::string& path : paths_) path = std::filesystem::absolute(path);
  seen_ = Look();
}

bool FileStamps::Changed() {
  std::vector<Stamp> now = Look();
  const bool changed = now != seen_;
  seen_ = std::move(now);
  return changed;
}

std::vector<FileStamps::Stamp> FileStamps::Look() const {
  std::vector<Stamp> stamps;
  for (const std::string& path : paths_) {
    Stamp& stamp = stamps.emplace_back();
    const Result<std::string> resolved = files_.Resolve("/", path);
    if (!resolved) continue;
    const Result<FileStat> stat = files_.Stat("/", resolved->substr(1));
    if (stat) stamp = {stat->inode, stat->size, stat->modified};
  }
  return stamps;
}

}  // namespace hinomi
