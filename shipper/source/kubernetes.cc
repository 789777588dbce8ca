#include "shipper/source/kubernetes.h"

#include <algorithm>
#include <tuple>

#include "config/glob.h"
#include "metadata/docker_path.h"
#include "metadata/pod_path.h"

namespace hinomi {
namespace {

constexpr int kDepth = 2;
// However long the agent was down: what it noticed before is not old news.
constexpr Duration kEventsSince = std::chrono::hours(24 * 365 * 10);

// The container behind a directory of the second level.
std::optional<PodInfo> PodOf(const std::string& directory) {
  const size_t slash = directory.find('/');
  std::optional<PodInfo> pod = ParsePodDirectory(directory.substr(0, slash));
  if (!pod || slash == std::string::npos) return pod;
  pod->container_name = directory.substr(slash + 1);
  return IsContainerName(pod->container_name) ? pod : std::nullopt;
}

}  // namespace

KubernetesSource::Tree KubernetesSource::PodsOf(const Config& config) {
  return {{.kind = "kubernetes",
           .host_root = config.host_root,
           .root = config.kubernetes.pods_dir,
           .link_roots = config.docker.roots,
           .depth = kDepth,
           .name_prefix = "",
           .since = config.kubernetes.since},
          config.kubernetes.exclude};
}

KubernetesSource::Tree KubernetesSource::EventsOf(const Config& config) {
  return {{.kind = std::string(kEventsKind),
           .host_root = "/",
           .root = config.state_dir + "/events",
           .link_roots = {},
           .depth = kDepth,
           .name_prefix = std::string(kEventsPrefix),
           .since = kEventsSince},
          {}};
}

KubernetesSource::KubernetesSource(Tree tree, Parts parts,
                                   std::unique_ptr<DirectoryWatcher> watcher)
    : DirectorySource(tree.options, parts, std::move(watcher)),
      pods_dir_(tree.options.root),
      exclude_(std::move(tree.exclude)),
      excluded_gauge_(parts.metrics.GaugeOf("hinomi_containers_excluded",
                                            "Containers whose logs the configuration excludes.")) {}

bool KubernetesSource::Excluded(const PodInfo& pod) const {
  return std::any_of(exclude_.begin(), exclude_.end(), [&](const LogMatch& match) {
    return Matches(match, pod.namespace_name, pod.pod_name, pod.container_name);
  });
}

bool KubernetesSource::Wanted(const std::string& directory) {
  const std::optional<PodInfo> pod = PodOf(directory);
  if (!pod || pod->container_name.empty() || !Excluded(*pod)) return pod.has_value();
  excluded_.insert(directory);
  excluded_gauge_.Set(static_cast<double>(excluded_.size()));
  return false;
}

std::optional<DirectorySource::Found> KubernetesSource::Look(
    const std::string& directory, const std::vector<DirectoryEntry>& entries) {
  Found found;
  found.pod = *PodOf(directory);
  linked_.erase(directory);
  std::vector<std::pair<LogFile, SegmentEntry>> files;
  for (const DirectoryEntry& entry : entries) {
    const std::optional<LogFile> file = ParseLogFile(entry.name);
    if (!file || file->kind == LogFileKind::kTemporary) continue;
    std::optional<SegmentEntry> segment;
    if (!Find({root(), directory}, entry, &segment)) return std::nullopt;
    if (!segment) continue;
    segment->compressed = file->kind == LogFileKind::kCompressed;
    files.emplace_back(*file, std::move(*segment));
  }
  // Oldest first: the rotated ones by the time in their name, then the current one.
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    const bool a_current = a.first.kind == LogFileKind::kCurrent;
    const bool b_current = b.first.kind == LogFileKind::kCurrent;
    return std::tie(a.first.restart_count, a_current, a.first.rotation, a.first.kind) <
           std::tie(b.first.restart_count, b_current, b.first.rotation, b.first.kind);
  });
  for (const auto& [file, segment] : files) {
    if (found.logs.empty() || found.logs.back().restart != file.restart_count) {
      LogFiles& log = found.logs.emplace_back();
      log.restart = file.restart_count;
      log.path = pods_dir_ + "/" + directory + "/" + std::to_string(file.restart_count) + ".log";
    }
    LogFiles& log = found.logs.back();
    if (DockerIdOfLog(segment.path).empty()) {
      log.segments.push_back(segment);
    } else if (!FindLinked(directory, segment, &log)) {
      return std::nullopt;
    }
  }
  return found;
}

// What a link into docker's data directory stands for: all of that container's files.
bool KubernetesSource::FindLinked(const std::string& directory, const SegmentEntry& link,
                                  LogFiles* log) {
  const Place place{link.root, link.path.substr(0, link.path.rfind('/'))};
  linked_[directory][JsonLogName(DockerIdOfLog(link.path))] = log->restart;
  WatchAlso(place, directory);
  const Result<std::vector<DirectoryEntry>> listed = files().List(place.root, place.path);
  return listed && FindJsonLogs(place, *listed, log);
}

std::optional<uint32_t> KubernetesSource::RestartOf(const std::string& directory,
                                                    const std::string& name) {
  if (const std::optional<LogFile> file = ParseLogFile(name)) return file->restart_count;
  const auto links = linked_.find(directory);
  if (links == linked_.end()) return std::nullopt;
  const auto link = links->second.find(name);
  return link == links->second.end() ? std::nullopt : std::optional(link->second);
}

}  // namespace hinomi
