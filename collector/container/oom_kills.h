// How often the kernel has killed processes of a container for want of memory, over all its runs:
// the kernel forgets with the cgroup, which goes with the container that was killed. So counts are
// kept by namespace, pod and container, and are on the disk before they are served.
//
//   cgroup's own counter ──Observe──▶ total ──▶ state_dir/oom_kills     the runtime's ──Exited──▲
//
// A kill that the cgroup was not read after is known from the runtime's reason, OOMKilled.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/metrics.h"

namespace hinomi {

class OomKills {
 public:
  static constexpr size_t kContainersMax = 10'000;
  /// How long counts are kept of containers that nobody has seen.
  static constexpr Duration kKeep = std::chrono::hours(1);

  struct Who {
    std::string_view namespace_name, pod, container;
    auto operator<=>(const Who&) const = default;
  };

  /// `path`: of the file. Metrics: hinomi_oom_kills_write_errors_total.
  OomKills(std::string path, FileSystem& files, const Clock& clock, Metrics& metrics);

  /// The cgroup of the run `id` has counted so many. Returns what all runs have together, which is
  /// on the disk then, or cannot be written there. Any thread.
  uint64_t Observe(const Who& who, const std::string& id, uint64_t kills);
  /// What all runs have together, the one at hand having counted none. Any thread.
  uint64_t Total(const Who& who);
  /// The run `id` ended, for that reason.
  void Exited(const Who& who, const std::string& id, std::string_view reason);

 private:
  // Who, with text of its own.
  struct Key {
    std::string namespace_name, pod, container;
    operator Who() const {
      return {namespace_name, pod, container};
    }  // NOLINT(google-explicit-constructor)
  };
  struct Less {
    using is_transparent = void;
    bool operator()(const Who& one, const Who& other) const { return one < other; }
  };
  struct Container {
    uint64_t total = 0;
    std::map<std::string, uint64_t> runs;  // what was counted of each, by id; the latest few
    Duration seen{0};                      // monotonic
  };
  Container& Of(const Who& who);  // under the lock
  void Load();
  void Save();

  const std::string path_;
  FileSystem& files_;
  const Clock& clock_;
  std::mutex mutex_;
  bool loaded_ = false;
  std::map<Key, Container, Less> containers_;
  Counter write_errors_;
};

}  // namespace hinomi
