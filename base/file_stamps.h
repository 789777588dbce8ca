// Tells that files which somebody else replaces (secrets, certificates) have changed, without
// reading them. Knows nothing of what is in them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/filesystem.h"

namespace hinomi {

/// One thread at a time.
class FileStamps {
 public:
  /// Empty paths are left out. Links are followed: a secret of Kubernetes is two of them.
  FileStamps(FileSystem& files, std::vector<std::string> paths);

  /// Whether one of them was written, replaced, made or removed since the last call, or since
  /// construction. A few system calls for each file.
  bool Changed();

 private:
  struct Stamp {
    uint64_t inode = 0;  // 0: it is not there
    uint64_t size = 0;
    Duration modified{0};
    bool operator==(const Stamp&) const = default;
  };
  std::vector<Stamp> Look() const;

  FileSystem& files_;
  std::vector<std::string> paths_;
  std::vector<Stamp> seen_;
};

}  // namespace hinomi
