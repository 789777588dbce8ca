#include "collector/host.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace hinomi {

Result<std::string> Host::Read(const std::string& path) const {
  const std::string full = PathOf(path);
  const int file = open(full.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file < 0) return IoError("open", full, errno);
  std::string text;
  char block[8192];
  while (true) {
    const ssize_t count = read(file, block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count > 0) text.append(block, static_cast<size_t>(count));
    const int cause = count < 0 ? errno : text.size() > kFileBytesMax ? EFBIG : 0;
    if (count > 0 && cause == 0) continue;
    close(file);
    if (cause != 0) return IoError("read", full, cause);
    return text;
  }
}

std::string Host::ReadWord(const std::string& path) const {
  Result<std::string> text = Read(path);
  if (!text) return "";
  text->erase(text->find_last_not_of(" \t\n") + 1);
  return std::move(*text);
}

Result<std::vector<std::string>> Host::List(const std::string& path) const {
  const std::string full = PathOf(path);
  DIR* directory = opendir(full.c_str());
  if (directory == nullptr) return IoError("list", full, errno);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  closedir(directory);
  std::sort(names.begin(), names.end());
  return names;
}

std::string Host::ReadLink(const std::string& path) const {
  char target[PATH_MAX];
  const ssize_t size = readlink(PathOf(path).c_str(), target, sizeof target);
  return size < 0 ? "" : std::string(target, static_cast<size_t>(size));
}

double Host::ModifiedSeconds(const std::string& path) const {
  struct stat status;
  return stat(PathOf(path).c_str(), &status) < 0 ? 0 : static_cast<double>(status.st_mtime);
}

bool Host::Exists(const std::string& path) const { return access(PathOf(path).c_str(), F_OK) == 0; }

}  // namespace hinomi
