// The node's kernel as files: /proc and /sys below the host's root. Small files that the kernel
// makes anew for each reader; read whole, never waited for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hinomi {

class Host {
 public:
  static constexpr size_t kFileBytesMax = 4 << 20;

  /// `root` is "/" on the node itself, and where the node's root is mounted in a container.
  explicit Host(const std::string& root) : root_(root == "/" ? "" : root) {}

  /// `path` begins with a slash and is the node's. Errors: io, with the code; also when it is
  /// larger than kFileBytesMax.
  Result<std::string> Read(const std::string& path) const;
  /// The same of a path relative to a directory that is open. Replaces `text`, and keeps its
  /// memory.
  static Result<void> ReadAt(int directory, const char* path, std::string* text);
  /// The lines that fit into kFileBytesMax; the number of the others is added to `lines_left_out`.
  /// Errors: io.
  Result<std::string> ReadLines(const std::string& path, uint64_t* lines_left_out) const;
  /// The same without the space at its end; empty when it cannot be read.
  std::string ReadWord(const std::string& path) const;
  /// Names in a directory, in order. Errors: io.
  Result<std::vector<std::string>> List(const std::string& path) const;
  /// Where a link leads; empty when it is none.
  std::string ReadLink(const std::string& path) const;
  /// When it was last changed, in seconds since the Unix epoch; 0 when that cannot be said.
  double ModifiedSeconds(const std::string& path) const;
  bool Exists(const std::string& path) const;
  /// As this process sees it.
  std::string PathOf(const std::string& path) const { return root_ + path; }

 private:
  const std::string root_;
};

}  // namespace hinomi
