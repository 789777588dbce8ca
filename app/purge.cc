#include "app/purge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>

#include "app/human_text.h"
#include "base/metrics.h"
#include "metadata/pod_path.h"
#include "shipper/checkpoint.h"
#include "shipper/sink/dead_letter_files.h"
#include "shipper/source/escrow.h"

namespace hinomi {
namespace {

constexpr char kLock[] = "lock";
constexpr std::string_view kStopTheAgent =
    "an agent runs, and would write all of it anew: stop it first";
constexpr std::string_view kAwaitTheReplay = "a `hinomi replay` runs: wait until it has ended";

/// Which kind of the agent's files has this name, by its path below the directory; null: a
/// stranger.
using Classify = std::function<const char*(const std::string&)>;

bool IsMetadataFile(std::string_view name) {
  for (const std::string_view extension : {".json.new", ".json"}) {
    if (name.ends_with(extension)) {
      name.remove_suffix(extension.size());
      return IsPodUid(name);
    }
  }
  return false;
}

// As the pods directory: <namespace>_<pod>_<uid>/<container>/<restart>.log and rotated ones.
bool IsEventFile(const std::string& path) {
  const size_t first = path.find('/');
  const size_t second = path.find('/', first + 1);
  return first != std::string::npos && second != std::string::npos &&
         ParsePodDirectory(path.substr(0, first)) &&
         IsContainerName(path.substr(first + 1, second - first - 1)) &&
         ParseLogFile(path.substr(second + 1)).has_value();
}

const char* KindInState(const std::string& path) {
  const auto below = [&](std::string_view directory) {
    return path.starts_with(directory) ? path.substr(directory.size()) : "";
  };
  for (const char* name : {kLock, "checkpoint.a", "checkpoint.b", "last_run", "last_run.new"}) {
    if (path == name) return "cursors and ledger";
  }
  if (path == "oom_kills" || path == "oom_kills.new") return "counts of OOM kills";
  if (IsMetadataFile(below("metadata/"))) return "metadata of pods";
  if (IsDeadLetterFile(below("dead_letters/"))) return "dead letters";
  if (IsEventFile(below("events/"))) return "events";
  return nullptr;
}

const char* KindInEscrow(const std::string& path) {
  return ParseHeldName(path) || IsProbeName(path) ? "files of logs that are held" : nullptr;
}

bool OursInState(const std::string& directory) {
  const std::string top = directory.substr(0, directory.find('/'));
  return directory.empty() || top == "metadata" || top == "dead_letters" || top == "events";
}

class Planner {
 public:
  Planner(FileSystem& files, PurgePlan* plan) : files_(files), plan_(plan) {}

  /// Errors: transient, with the cure, when another process has it; io.
  Result<void> Lock(const std::string& path, std::string_view cure = kStopTheAgent) {
    Result<std::unique_ptr<FileLock>> lock = files_.Lock(path);
    if (!lock) {
      if (lock.error().kind != ErrorKind::kTransient) return lock.error();
      return Error{lock.error().kind, fmt::format("{}; {}", lock.error().message, cure)};
    }
    plan_->locks.push_back(std::move(*lock));
    return {};
  }

  /// What lies below `root`, to any depth; directories that `ours` says so of go when empty.
  void Look(const std::string& root, const Classify& classify,
            const std::function<bool(const std::string&)>& ours) {
    root_ = root;
    std::map<std::string, PurgeGroup> groups;
    Descend("", classify, ours, &groups);
    plan_->roots.push_back(root);
    for (auto& [what, group] : groups) plan_->groups.push_back(std::move(group));
  }

 private:
  void Descend(const std::string& relative, const Classify& classify,
               const std::function<bool(const std::string&)>& ours,
               std::map<std::string, PurgeGroup>* groups) {
    const size_t strangers = plan_->strangers.size();
    const Result<std::vector<DirectoryEntry>> listed = files_.List(root_, relative);
    for (const DirectoryEntry& entry : listed ? *listed : std::vector<DirectoryEntry>{}) {
      const std::string path = relative.empty() ? entry.name : relative + "/" + entry.name;
      const auto& looked_at = plan_->roots;  // the escrow may lie in the state directory
      if (std::find(looked_at.begin(), looked_at.end(), root_ + "/" + path) != looked_at.end()) {
        continue;
      }
      if (entry.kind == FileKind::kDirectory && ours(path)) {
        Descend(path, classify, ours, groups);
        continue;
      }
      const char* what = entry.kind == FileKind::kRegular ? classify(path) : nullptr;
      if (what == nullptr) {
        plan_->strangers.push_back(root_ + "/" + path);
        continue;
      }
      PurgeGroup& group = (*groups)[what];
      group.what = what;
      group.directory = root_;
      group.paths.push_back(root_ + "/" + path);
      const Result<FileStat> stat = files_.Stat(root_, path);
      if (stat) group.bytes += stat->size;
    }
    if (!relative.empty() && plan_->strangers.size() == strangers) {
      plan_->directories.push_back(root_ + "/" + relative);
    }
  }

  FileSystem& files_;
  PurgePlan* plan_;
  std::string root_;
};

/// How much of a held file is not delivered, as the checkpoint knows it.
class Unsettled {
 public:
  explicit Unsettled(CheckpointState state) {
    for (LogState& log : state.logs) {
      const std::pair<std::string, uint32_t> key(log.directory, log.restart);
      logs_[key] = std::move(log);
    }
  }

  uint64_t BytesOf(const HeldName& name, uint64_t file_bytes) const {
    const auto known = logs_.find({name.directory, name.restart});
    if (known == logs_.end()) return file_bytes;
    const LogState& log = known->second;
    const auto segment =
        std::find_if(log.segments.begin(), log.segments.end(),
                     [&](const SegmentState& state) { return state.ordinal == name.ordinal; });
    if (segment == log.segments.end()) return name.ordinal >= log.next_ordinal ? file_bytes : 0;
    const uint64_t size = name.compressed ? segment->size : std::max(segment->size, file_bytes);
    uint64_t bytes = 0;
    for (const ReaderState& reader : log.readers) {
      if (reader.cursor.segment > name.ordinal) continue;
      const uint64_t done = reader.cursor.segment < name.ordinal ? 0 : reader.cursor.offset;
      bytes = std::max(bytes, size - std::min(size, done));
    }
    return bytes;
  }

 private:
  std::map<std::pair<std::string, uint32_t>, LogState> logs_;
};

void CountUnsettled(const Config& config, FileSystem& files, PurgePlan* plan) {
  const std::string escrow = config.EscrowPath();
  Metrics metrics;
  const Unsettled unsettled(Checkpoint(files, config.state_dir, metrics).Load());
  for (const PurgeGroup& group : plan->groups) {
    if (group.directory != escrow) continue;
    for (const std::string& path : group.paths) {
      const std::string relative = path.substr(escrow.size() + 1);
      const std::optional<HeldName> name = ParseHeldName(relative);
      const Result<FileStat> stat = files.Stat(escrow, relative);
      if (!name || !stat || stat->links > 1) continue;
      const uint64_t bytes = unsettled.BytesOf(*name, stat->size);
      plan->unsettled_files += bytes > 0 ? 1 : 0;
      plan->unsettled_bytes += bytes;
    }
  }
}

std::string Files(size_t count) { return fmt::format("{} file{}", count, count == 1 ? "" : "s"); }

}  // namespace

Result<PurgePlan> PlanPurge(const Config& config, FileSystem& files) {
  PurgePlan plan;
  Planner planner(files, &plan);
  const std::string escrow = config.EscrowPath();
  const std::string lock = config.state_dir + "/" + kLock;
  if (files.Exists(lock)) {
    if (const Result<void> locked = planner.Lock(lock); !locked) return locked.error();
    plan.lock_path = lock;
  }
  if (!escrow.empty() && files.Exists(escrow)) {
    if (const Result<void> locked = planner.Lock(escrow); !locked) return locked.error();
    planner.Look(escrow, KindInEscrow, [](const std::string&) { return true; });
  }
  if (files.Exists(config.state_dir)) {
    if (auto locked = planner.Lock(config.state_dir, kAwaitTheReplay); !locked) {
      return locked.error();
    }
    planner.Look(config.state_dir, KindInState, OursInState);
  }
  if (!plan.groups.empty()) CountUnsettled(config, files, &plan);
  return plan;
}

std::string ToText(const PurgePlan& plan, const Config& config) {
  std::string text;
  if (plan.empty()) {
    text += "There is nothing of the agent's on this node.\n";
  } else {
    text += "This is what the agent has written on this node:\n";
  }
  for (const PurgeGroup& group : plan.groups) {
    text += fmt::format("  {} in \"{}\": {}, {}\n", group.what, group.directory,
                        Files(group.paths.size()), HumanBytes(group.bytes));
  }
  if (plan.unsettled_bytes > 0) {
    text += fmt::format(
        "  NOT DELIVERED yet: {} in {} of these that no other name leads to; they are lost when "
        "removed.\n",
        HumanBytes(plan.unsettled_bytes), Files(plan.unsettled_files));
  }
  if (plan.groups.empty() && !plan.directories.empty()) text += "  empty directories\n";
  for (const std::string& stranger : plan.strangers) {
    text += fmt::format("Left alone, since it is not the agent's: \"{}\"\n", stranger);
  }
  for (const SinkConfig& sink : config.sinks) {
    if (sink.type != SinkType::kArchive) continue;
    text += fmt::format("Left alone, since it is your data: the archive \"{}\" in \"{}\"\n",
                        sink.name, sink.archive.directory);
  }
  return text;
}

std::vector<std::string> Purge(const PurgePlan& plan, FileSystem& files) {
  std::vector<std::string> failures;
  const auto remove = [&](const std::string& path) {
    const Result<void> removed = files.Remove(path);
    if (!removed && removed.error().code != ENOENT) failures.push_back(removed.error().message);
  };
  for (const PurgeGroup& group : plan.groups) {
    for (const std::string& path : group.paths) {
      if (path != plan.lock_path) remove(path);
    }
  }
  if (!plan.lock_path.empty()) remove(plan.lock_path);
  // One that holds a stranger's file stays, and so may one that something is mounted on.
  for (const std::vector<std::string>& directories : {plan.directories, plan.roots}) {
    for (const std::string& directory : directories) files.Remove(directory).ok();
  }
  return failures;
}

}  // namespace hinomi
