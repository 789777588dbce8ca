#include "shipper/source/docker.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/logging.h"
#include "metadata/docker_config.h"
#include "metadata/docker_path.h"

namespace hinomi {
namespace {

// dockerd's own are of some kilobytes; a large environment is below a megabyte.
constexpr uint64_t kConfigBytesMax = 4 << 20;

std::string ContainersOf(const std::string& root) { return root + "/containers"; }
std::string ConfigOf(const std::string& id) { return id + "/config.v2.json"; }

std::shared_ptr<const DockerContainer> Nameless(const std::string& id) {
  return std::make_shared<const DockerContainer>(DockerContainer{id, id, "", {}, false});
}

}  // namespace

DockerSource::DockerSource(const Config& config, const std::string& root, Parts parts,
                           std::unique_ptr<DirectoryWatcher> watcher)
    : DirectorySource({.kind = "docker",
                       .host_root = config.host_root,
                       .root = ContainersOf(root),
                       .link_roots = config.docker.roots,
                       .depth = 1,
                       .name_prefix = ContainersOf(root) + "/",
                       .since = config.docker.since},
                      parts, std::move(watcher)),
      prefix_(ContainersOf(root) + "/"),
      unreadable_(parts.metrics.GaugeOf(
          "hinomi_docker_configs_unreadable",
          "Containers whose config.v2.json is missing, too large or not valid.")) {}

bool DockerSource::Wanted(const std::string& directory) { return IsDockerId(directory); }

std::optional<uint32_t> DockerSource::RestartOf(const std::string& directory,
                                                const std::string& name) {
  return name == JsonLogName(directory) ? std::optional(0u) : std::nullopt;
}

std::optional<DirectorySource::Found> DockerSource::Look(
    const std::string& directory, const std::vector<DirectoryEntry>& entries) {
  Found found;
  LogFiles log;
  if (!FindJsonLogs({root(), directory}, entries, &log)) return std::nullopt;
  Known& known = known_[directory];
  if (!log.segments.empty()) Learn(directory, &known);
  if (known.container == nullptr) known.container = Nameless(directory);
  found.pod = PodInfoOf(known.container);
  const bool kubernetes = known.container->kubernetes;
  if (entries.empty()) known_.erase(directory);
  unreadable_.Set(static_cast<double>(std::count_if(
      known_.begin(), known_.end(), [](const auto& entry) { return entry.second.unreadable; })));
  if (kubernetes) return std::nullopt;
  log.path = prefix_ + directory + "/" + JsonLogName(directory);
  if (!log.segments.empty()) found.logs.push_back(std::move(log));
  return found;
}

// Reads the container's config if it is another than before. What was known is better than nothing.
void DockerSource::Learn(const std::string& id, Known* known) {
  const Result<FileStat> stat = files().Stat(root(), ConfigOf(id));
  const FileStat& before = known->config;
  if (stat && stat->inode == before.inode && stat->size == before.size &&
      stat->modified == before.modified) {
    return;
  }
  Result<DockerContainer> read =
      stat ? ReadConfig(id, *stat) : Result<DockerContainer>(stat.error());
  if (read) {
    *known = {std::make_shared<const DockerContainer>(std::move(*read)), *stat, false};
    return;
  }
  known->config = {};
  if (std::exchange(known->unreadable, true)) return;
  log::Warn("{}; until it can be read the container's log goes by what is known, its id at least",
            read.error().message);
}

Result<DockerContainer> DockerSource::ReadConfig(const std::string& id, const FileStat& stat) {
  const std::string path = ConfigOf(id);
  const auto failed = [&](const std::string& cause) {
    return Error{ErrorKind::kCorrupt,
                 fmt::format("cannot read \"{}{}\": {}", prefix_, path, cause)};
  };
  if (stat.size > kConfigBytesMax)
    return failed(fmt::format("larger than {} bytes", kConfigBytesMax));
  Result<std::unique_ptr<File>> file = files().Open(root(), path);
  if (!file) return file.error();
  std::string json(stat.size, '\0');
  const Result<size_t> count = (*file)->ReadAt(0, json.data(), json.size());
  if (!count) return count.error();
  json.resize(*count);
  Result<DockerContainer> container = ParseDockerConfig(json);
  if (!container) return failed(container.error().message);
  if (container->id != id) return failed("it is another container's");
  return container;
}

}  // namespace hinomi
