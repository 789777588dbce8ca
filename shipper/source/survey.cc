#include "shipper/source/survey.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/glob.h"
#include "metadata/docker_config.h"
#include "metadata/docker_container.h"
#include "metadata/docker_path.h"
#include "metadata/pod_path.h"
#include "shipper/source/place.h"

namespace hinomi {
namespace {

constexpr uint64_t kDockerConfigBytesMax = 4 << 20;

std::vector<DirectoryEntry> SortedEntries(FileSystem& files, const Place& directory) {
  Result<std::vector<DirectoryEntry>> listed = files.List(directory.root, directory.path);
  if (!listed) return {};
  std::sort(listed->begin(), listed->end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return *listed;
}

class Surveyor {
 public:
  Surveyor(const Config& config, FileSystem& files, const PodQuery& query)
      : config_(config), files_(files), query_(query) {}

  void LookForPods(const FindMetadata& find) {
    if (!OpenRoot(config_.kubernetes.pods_dir)) return;
    for (const DirectoryEntry& entry : SortedEntries(files_, {root_, ""})) {
      std::optional<PodInfo> pod = ParsePodDirectory(entry.name);
      // Ids are known of containers only, names already of the pod.
      if (!pod || (query_.id_prefix.empty() && !Matches(query_, *pod))) continue;
      pod->metadata = find(pod->pod_uid);
      LookAtPod({root_, entry.name}, *pod, entry.kind);
    }
  }

  void LookForContainers(const std::string& docker_root) {
    const std::string containers = docker_root + "/containers";
    if (!OpenRoot(containers)) return;
    for (const DirectoryEntry& entry : SortedEntries(files_, {root_, ""})) {
      if (!IsDockerId(entry.name) || entry.kind != FileKind::kDirectory) continue;
      const auto container = ContainerOf(entry.name);
      if (container->kubernetes) continue;  // found below pods_dir
      SurveyedContainer found;
      found.pod = PodInfoOf(container);
      if (!Matches(query_, found.pod)) continue;
      found.path = found.directory = containers + "/" + entry.name;
      found.since = config_.docker.since;
      LookAtFiles({root_, entry.name}, &found, [&](const std::string& name) {
        return ParseJsonLogFile(name, entry.name).has_value();
      });
      survey_.containers.push_back(std::move(found));
    }
  }

  Survey Take() { return std::move(survey_); }

 private:
  bool OpenRoot(const std::string& path) {
    const Result<std::string> root = files_.Resolve(config_.host_root, path);
    const Result<std::vector<DirectoryEntry>> listed =
        root ? files_.List(*root, "") : Result<std::vector<DirectoryEntry>>(root.error());
    if (listed) {
      root_ = *root;
    } else {
      survey_.problems.push_back(listed.error().message);
    }
    return listed.ok();
  }

  void LookAtPod(const Place& directory, const PodInfo& pod, FileKind kind) {
    bool any = false;
    const auto entries = kind == FileKind::kDirectory ? SortedEntries(files_, directory)
                                                      : std::vector<DirectoryEntry>{};
    for (const DirectoryEntry& entry : entries) {
      if (!IsContainerName(entry.name)) continue;
      any = true;
      PodInfo container = pod;
      container.container_name = entry.name;
      if (Asked(container)) LookAtContainer(directory, container, entry.kind);
    }
    if (any || !Asked(pod)) return;
    SurveyedContainer& found = survey_.containers.emplace_back();
    found.pod = pod;
    found.path = config_.kubernetes.pods_dir + "/" + directory.path;
    if (kind != FileKind::kDirectory) found.refused.push_back(directory.path);
  }

  // By any of its runs: which of them has files is seen later.
  bool Asked(PodInfo pod) const {
    if (Matches(query_, pod)) return true;
    if (pod.metadata == nullptr) return false;
    return std::any_of(pod.metadata->containers.begin(), pod.metadata->containers.end(),
                       [&](const ContainerMetadata& run) {
                         pod.restart_count = run.attempt;
                         return run.name == pod.container_name && Matches(query_, pod);
                       });
  }

  void LookAtContainer(const Place& pod_directory, const PodInfo& pod, FileKind kind) {
    SurveyedContainer& found = survey_.containers.emplace_back();
    found.pod = pod;
    found.directory = pod_directory.path + "/" + pod.container_name;
    found.path = config_.kubernetes.pods_dir + "/" + found.directory;
    found.since = config_.kubernetes.since;
    const std::vector<LogMatch>& rules = config_.kubernetes.exclude;
    const auto rule = std::find_if(rules.begin(), rules.end(), [&](const LogMatch& match) {
      return Matches(match, pod.namespace_name, pod.pod_name, pod.container_name);
    });
    if (rule != rules.end()) {
      found.excluded_by = fmt::format("sources.kubernetes.exclude[{}]", rule - rules.begin());
    }
    if (kind != FileKind::kDirectory) return found.refused.push_back(pod.container_name);
    LookAtFiles({pod_directory.root, found.directory}, &found, [](const std::string& name) {
      const std::optional<LogFile> file = ParseLogFile(name);
      return file && file->kind != LogFileKind::kTemporary;
    });
  }

  void LookAtFiles(const Place& directory, SurveyedContainer* found,
                   const std::function<bool(const std::string&)>& is_log) {
    for (const DirectoryEntry& entry : SortedEntries(files_, directory)) {
      if (!is_log(entry.name)) continue;
      std::optional<Place> place;
      if (entry.kind == FileKind::kRegular) {
        place = {directory.root, directory.path + "/" + entry.name};
      } else if (entry.kind == FileKind::kLink) {
        place = FollowLink(files_, {config_.host_root, root_, config_.docker.roots},
                           found->path + "/" + entry.name);
      }
      const Result<FileStat> stat = place ? files_.Stat(place->root, place->path)
                                          : Result<FileStat>(Error{ErrorKind::kIo, ""});
      if (!stat || stat->kind != FileKind::kRegular) {
        found->refused.push_back(entry.name);
        continue;
      }
      ++found->files;
      found->bytes += stat->size;
      found->modified = std::max(found->modified, stat->modified);
    }
  }

  std::shared_ptr<const DockerContainer> ContainerOf(const std::string& id) const {
    Result<DockerContainer> container = ReadConfig(id + "/config.v2.json");
    if (!container) container = DockerContainer{id, id, "", {}, false};
    return std::make_shared<const DockerContainer>(std::move(*container));
  }

  Result<DockerContainer> ReadConfig(const std::string& path) const {
    const Result<std::unique_ptr<File>> file = files_.Open(root_, path);
    if (!file) return file.error();
    std::string json(kDockerConfigBytesMax, '\0');
    const Result<size_t> count = (*file)->ReadAt(0, json.data(), json.size());
    if (!count) return count.error();
    json.resize(*count);
    return ParseDockerConfig(json);
  }

  const Config& config_;
  FileSystem& files_;
  const PodQuery& query_;
  std::string root_;  // that is looked at, resolved
  Survey survey_;
};

}  // namespace

Survey SurveyLogs(const Config& config, FileSystem& files, const PodQuery& query,
                  const FindMetadata& find) {
  Surveyor surveyor(config, files, query);
  if (config.kubernetes_enabled) surveyor.LookForPods(find);
  if (config.docker_enabled) {
    for (const std::string& root : config.docker.roots) surveyor.LookForContainers(root);
  }
  return surveyor.Take();
}

}  // namespace hinomi
