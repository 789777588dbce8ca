// What tests of events share: a disk that can be full, and looks at what was written.
#pragma once

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/filesystem.h"
#include "base/metric_of.h"
#include "shipper/event.h"

namespace hinomi {

// The real one, but without space for the agent's own files when told so.
class FullFileSystem final : public PosixFileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path) override {
    if (full) return IoError("write", path, ENOSPC);
    return PosixFileSystem::OpenWritable(path);
  }
  Result<void> SyncDirectory(const std::string& path) override {
    synced.insert(path);
    return PosixFileSystem::SyncDirectory(path);
  }
  bool full = false;
  std::set<std::string> synced;  // directories
};

/// Their paths below it, sorted.
inline std::vector<std::string> FilesBelow(const std::string& directory) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file())
      found.push_back(entry.path().string().substr(directory.size() + 1));
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Of the events in the content of a file.
inline std::vector<std::string> Messages(const std::string& content) {
  std::vector<std::string> messages;
  size_t begin = 0;
  for (size_t end; (end = content.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const Result<EventText> text =
        ParseEventLine(std::string_view(content).substr(begin, end - begin));
    if (text) messages.push_back(text->message);
  }
  return messages;
}

}  // namespace hinomi
