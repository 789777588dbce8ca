#include "collector/host.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace hinomi {

namespace {

// Hands all of it to `take`, block by block, until that returns a cause to stop.
template <typename Take>
Result<void> ReadBlocks(int directory, const char* full, Take take) {
  const int file = openat(directory, full, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file < 0) return IoError("open", full, errno);
  char block[8192];
  ssize_t count = 0;
  int cause = 0;
  do {
    count = read(file, block, sizeof block);
    if (count < 0 && errno != EINTR) cause = errno;
    if (count > 0) cause = take(std::string_view(block, static_cast<size_t>(count)));
  } while (count != 0 && cause == 0);
  close(file);
  if (cause != 0) return IoError("read", full, cause);
  return {};
}

}  // namespace

Result<std::string> Host::Read(const std::string& path) const {
  std::string text;
  const Result<void> read = ReadAt(AT_FDCWD, PathOf(path).c_str(), &text);
  if (!read) return read.error();
  return text;
}

Result<void> Host::ReadAt(int directory, const char* path, std::string* text) {
  text->clear();
  return ReadBlocks(directory, path, [&](std::string_view block) {
    *text += block;
    return text->size() > kFileBytesMax ? EFBIG : 0;
  });
}

Result<std::string> Host::ReadLines(const std::string& path, uint64_t* lines_left_out) const {
  std::string text;
  uint64_t lines = 0;
  const Result<void> read = ReadBlocks(AT_FDCWD, PathOf(path).c_str(), [&](std::string_view block) {
    const size_t room = std::min(kFileBytesMax - text.size(), block.size());
    text += block.substr(0, room);
    const std::string_view rest = block.substr(room);
    lines += static_cast<uint64_t>(std::count(rest.begin(), rest.end(), '\n'));
    return 0;
  });
  if (!read) return read.error();
  // The line that is cut is among those counted.
  if (lines > 0) text.erase(text.rfind('\n') + 1);
  *lines_left_out += lines;
  return text;
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
