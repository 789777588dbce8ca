// Hears of OOM kills when they happen, so that those of a container which is gone before the next
// scrape, or of a child of its first process, count too. From the kernel's log, which names the
// cgroup of the task; a burst is cut there (ten in five seconds), so the cgroups' own counters,
// read at every scrape, remain the truth for whatever is still there.
// Source: /dev/kmsg, Documentation/ABI/testing/dev-kmsg; dump_oom_summary in mm/oom_kill.c.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "collector/container/container_names.h"
#include "collector/container/oom_kills.h"

namespace hinomi {

/// The cgroup whose task was killed, "/kubepods/…", by one record of the kernel's log; nothing
/// where it tells of anything else.
std::optional<std::string_view> OomKilledCgroup(std::string_view record);

/// The cgroups of a container and its pod.
struct ContainerPaths {
  std::string_view pod, container;
};
/// Those that lead to the cgroup `path`; nothing where it is not within a container of a pod.
std::optional<ContainerPaths> ContainerOfPath(std::string_view path);

class OomWatch {
 public:
  struct Parts {
    const Host& host;
    const Config& config;
    const MetadataStore* metadata;  // null: nobody is asked
    OomKills& oom_kills;
    const Clock& clock;
    Metrics& metrics;
  };

  /// Metrics: hinomi_oom_kills_unnamed_total.
  explicit OomWatch(const Parts& parts);

  /// Reads what the log gets from now on, until stopped. Returns where there is none to be read.
  void Run(const std::stop_token& stop);

  // The same by hand; one thread.
  void Take(std::string_view record);
  /// Looks again who is behind those that were not known yet; about once a second.
  void Settle();

 private:
  struct Kill {
    std::string cgroup;
    uint64_t number = 0;  // of those in its container, from 1
    Duration at{0};       // monotonic
  };

  const Parts parts_;
  ContainerNames names_;
  std::vector<Kill> unsettled_;
  std::map<std::string, uint64_t> kills_;  // by container; of the latest few
  Counter unnamed_;
};

}  // namespace hinomi
