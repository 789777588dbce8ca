// Asks file systems how full they are without waiting for those that hang, as one does whose server
// is gone: each question is asked by a helper thread, and one that has not come back is left alone
// with its mount, which is not asked again until it does.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hinomi {

struct FileSystemUsage {
  double size_bytes = 0, free_bytes = 0, available_bytes = 0, files = 0, files_free = 0;
  bool operator==(const FileSystemUsage&) const = default;
};

/// By statfs(2); nothing if that fails.
std::optional<FileSystemUsage> UsageOf(const std::string& path);

class MountProbe {
 public:
  /// Helpers at a time. Where as many mounts hang, no other is asked until one of them comes back.
  static constexpr size_t kHelpersMax = 16;

  using Ask = std::function<std::optional<FileSystemUsage>(const std::string& path)>;
  explicit MountProbe(Ask ask = UsageOf);

  struct Question {
    uint64_t mount = 0;  // the kernel's number of it: another mount at the same path is another one
    std::string path;
  };
  /// Waits for `timeout` at most, for all of them together. By mount; those that failed or have not
  /// answered are missing. One thread at a time; helpers outlive this object where they have to.
  std::map<uint64_t, FileSystemUsage> Probe(const std::vector<Question>& questions,
                                            std::chrono::nanoseconds timeout);
  /// Threads that have not come back.
  size_t helpers() const;

 private:
  struct State;
  static void StartHelper(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;
};

}  // namespace hinomi
