// For trying whether the agent may write somewhere: directories that were made for that vanish
// again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/filesystem.h"

namespace hinomi {

/// On destruction takes away `directory` and those above it, as far as they were not there when it
/// was constructed and are empty.
class Traceless {
 public:
  Traceless(FileSystem& files, const std::string& directory) : files_(files) {
    for (std::filesystem::path at = directory; !at.empty() && !files.Exists(at);
         at = at.parent_path()) {
      missing_.push_back(at);
    }
  }
  ~Traceless() {
    for (const std::string& directory : missing_) (void)files_.Remove(directory);
  }
  Traceless(const Traceless&) = delete;
  Traceless& operator=(const Traceless&) = delete;

 private:
  FileSystem& files_;
  std::vector<std::string> missing_;  // the innermost first
};

}  // namespace hinomi
