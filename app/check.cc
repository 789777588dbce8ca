#include "app/check.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>

#include "base/traceless.h"
#include "shipper/builtin.h"
#include "shipper/source/escrow.h"

namespace hinomi {
namespace {

constexpr char kNeeds[] = "the agent must be able to make files and hard links there";
constexpr Duration kPatience = std::chrono::seconds(5);
constexpr int kLevelsMax = 3;  // pods, containers, files

// The first regular file that lies so deep, to try the mount with.
std::unique_ptr<File> AnyFileBelow(FileSystem& files, const std::string& root,
                                   const std::string& relative, int levels) {
  const Result<std::vector<DirectoryEntry>> listed = files.List(root, relative);
  if (!listed) return nullptr;
  for (const DirectoryEntry& entry : *listed) {
    const std::string path = relative.empty() ? entry.name : relative + "/" + entry.name;
    std::unique_ptr<File> file;
    if (entry.kind == FileKind::kDirectory && levels > 1) {
      file = AnyFileBelow(files, root, path, levels - 1);
    } else if (entry.kind == FileKind::kRegular) {
      Result<std::unique_ptr<File>> opened = files.Open(root, path);
      if (opened) file = std::move(*opened);
    }
    if (file != nullptr) return file;
  }
  return nullptr;
}

bool AgentRuns(const Config& config, FileSystem& files) {
  const std::string path = config.state_dir + "/lock";
  if (!files.Exists(path)) return false;
  const Result<std::unique_ptr<FileLock>> lock = files.Lock(path);
  return !lock && lock.error().kind == ErrorKind::kTransient;
}

std::string Warning(const std::string& cause, std::string_view cure) {
  return fmt::format(
      "escrow.directory: {}; files that are removed before they are delivered will be held by "
      "descriptors alone, and lost when the agent restarts; {}",
      cause, cure);
}

// Whether a log of the source at `root` can be linked.
std::string TryMount(const Config& config, FileSystem& files, const std::string& source) {
  const Result<std::string> root = files.Resolve(config.host_root, source);
  const std::unique_ptr<File> log = root ? AnyFileBelow(files, *root, "", kLevelsMax) : nullptr;
  if (log == nullptr) return "";
  const Result<void> linked = TryLinks(files, config.EscrowPath(), log.get());
  if (linked) return "";
  if (linked.error().code != EXDEV) return Warning(linked.error().message, kNeeds);
  return Warning(fmt::format("it and \"{}\" do not lie on one mount", source),
                 "mount what contains both as one, such as /var/log");
}

}  // namespace

std::vector<std::string> CheckEscrow(const Config& config, FileSystem& files) {
  const std::string directory = config.EscrowPath();
  if (directory.empty()) {
    return {Warning("it is switched off", "name a directory beside the logs to switch it on")};
  }
  const Traceless traceless(files, directory);
  const Result<void> made = files.MakePrivateDirectory(directory);
  if (!made) return {Warning(made.error().message, kNeeds)};
  const Result<std::unique_ptr<FileLock>> lock = files.Lock(directory);
  if (!lock) {
    if (AgentRuns(config, files)) return {};
    return {Warning(lock.error().message,
                    "another agent has it: give each its own escrow.directory and state_dir")};
  }
  const Result<void> linked = TryLinks(files, directory);
  if (!linked) return {Warning(linked.error().message, kNeeds)};
  std::vector<std::string> sources;
  if (config.kubernetes_enabled) sources.push_back(config.kubernetes.pods_dir);
  if (config.docker_enabled) {
    for (const std::string& root : config.docker.roots) sources.push_back(root + "/containers");
  }
  std::vector<std::string> warnings;
  for (const std::string& source : sources) {
    std::string warning = TryMount(config, files, source);
    if (!warning.empty()) warnings.push_back(std::move(warning));
  }
  return warnings;
}

std::vector<std::string> CheckSinksAnswer(const Config& config, FileSystem& files,
                                          const Clock& clock) {
  std::vector<std::string> warnings;
  Metrics metrics;
  EgressLimits egress({.clock = clock, .metrics = metrics});
  egress.Apply(config);
  for (SinkConfig sink : config.sinks) {
    sink.elasticsearch.timeout = std::min(sink.elasticsearch.timeout, kPatience);
    sink.kafka.timeout = std::min(sink.kafka.timeout, kPatience);
    const Attempt attempt =
        MakeSink(sink, {config.cluster, config.node, config.routes, files, clock, metrics, egress})
            ->Try(std::stop_token());
    if (attempt.error.empty()) continue;
    // By the agent of this very configuration, which writes there.
    if (attempt.code == "locked" && AgentRuns(config, files)) continue;
    warnings.push_back(fmt::format("sinks.{}: {}; until then lines wait in their files", sink.name,
                                   attempt.error));
  }
  return warnings;
}

}  // namespace hinomi
