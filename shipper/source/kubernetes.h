// Finds the logs that the kubelet keeps:
// <pods_dir>/<namespace>_<pod>_<uid>/<container>/<restart>.log. Where the runtime is docker these
// are links into its data directory, and the rotated files lie there.
//
// The agent's own events lie in a tree of the same shape (docs/events.md) and are found by the same
// rules.
//
// Source: kubelet, container_log_manager.go and kuberuntime/helpers.go; cri-dockerd,
// core/container_log.go.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "config/config.h"
#include "shipper/source/directory_source.h"

namespace hinomi {

/// The kind of the source of the agent's own events.
inline constexpr std::string_view kEventsKind = "events";

class KubernetesSource final : public DirectorySource {
 public:
  /// A directory of logs.
  struct Tree {
    Options options;
    std::vector<LogMatch> exclude;
  };
  /// The kubelet's.
  static Tree PodsOf(const Config& config);
  /// The agent's own.
  static Tree EventsOf(const Config& config);

  /// For the watcher see DirectorySource.
  KubernetesSource(Tree tree, Parts parts, std::unique_ptr<DirectoryWatcher> watcher);

 protected:
  bool Wanted(const std::string& directory) override;
  std::optional<Found> Look(const std::string& directory,
                            const std::vector<DirectoryEntry>& entries) override;
  std::optional<uint32_t> RestartOf(const std::string& directory, const std::string& name) override;

 private:
  bool Excluded(const PodInfo& pod) const;
  bool FindLinked(const std::string& directory, const SegmentEntry& link, LogFiles* log);

  const std::string pods_dir_;  // as the node sees it
  const std::vector<LogMatch> exclude_;
  std::set<std::string> excluded_;
  /// By directory: the files of docker that its logs are, and which restart each is of.
  std::map<std::string, std::map<std::string, uint32_t>> linked_;
  Gauge excluded_gauge_;
};

}  // namespace hinomi
