// One container's log as containerd writes it and the kubelet rotates it (its
// ContainerLogManager): what is rotated stays plain until the next rotation, then it becomes .gz;
// the oldest file is removed once there would be too many. Knows nothing of what is in the lines.
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <string_view>

#include "shipper/compress/gzip.h"

namespace hinomi::race {

/// Throws std::system_error when the file system refuses something.
class KubeletLog {
 public:
  struct Limits {
    uint64_t bytes_max = 0;  // containerLogMaxSize
    int files_max = 5;       // containerLogMaxFiles, with the current one
  };

  /// Makes `path` and its directories.
  explicit KubeletLog(std::filesystem::path path);
  ~KubeletLog();
  KubeletLog(KubeletLog&& other) noexcept;
  KubeletLog& operator=(KubeletLog&&) = delete;

  /// Writes at once: whole lines.
  void Append(std::string_view lines);

  /// The kubelet's look at it, once a second at most: rotates it if it has reached its size. The
  /// writer goes on in the renamed file until Reopen.
  void Rotate(const Limits& limits, std::time_t now, GzipCompressor& gzip);
  /// What the kubelet then asks the runtime for. Does nothing unless the log was rotated.
  void Reopen();

  uint64_t bytes() const { return bytes_; }  // written in all

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  uint64_t bytes_ = 0;
  uint64_t bytes_in_file_ = 0;
  bool rotated_ = false;
};

}  // namespace hinomi::race
