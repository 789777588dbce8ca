#include "tests/simulation/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tests/simulation/kubelet.h"

namespace hinomi::simulation {
namespace {

bool MayLose(LossReason reason, const World& world) {
  const KubeletHabits& habits = world.kubelet;
  const bool removes =
      habits.deletes || habits.compresses || habits.restarts || habits.removes_pods;
  const bool falls_back = world.power_cuts > 0 || world.crashes > 0;
  switch (reason) {
    case LossReason::kTruncated:
      return habits.truncates;
    // What was truncated while no agent ran looks like a file that is gone.
    case LossReason::kVanished:
      return removes || (habits.truncates && falls_back);
    case LossReason::kLate:
      return habits.rotates;
    case LossReason::kUnknown:
      return (removes || habits.truncates) && falls_back;
    case LossReason::kEscrowFull:
    case LossReason::kUnreadable:
      return false;
  }
  return false;
}

// A link that cannot be taken away stays until the next start.
constexpr bool kRetriesReleases = false;
// What is added to a rotated file that was empty, to one that no checkpoint has, is counted as
// missed after a restart.
constexpr bool kRemembersEmptyFiles = false;

std::string NameOfEntry(const LedgerEntry& entry) {
  return fmt::format("{} on route \"{}\"",
                     entry.origin == nullptr ? entry.namespace_name : entry.origin->path,
                     entry.route);
}

// Whether there is anything to know a log by; before that nobody reads it, and all its files are
// kept. `path` is of its current file.
bool IsKnown(const std::string& path, const SimulatedDisk& disk) {
  const std::vector<std::string> files = disk.Names(DirectoryOf(path));
  return std::any_of(files.begin(), files.end(), [&](const std::string& name) {
    if (!name.starts_with(path)) return false;
    const std::string& content = disk.Find(name)->content;
    // The copy of an empty file is not empty; it ends with the number of bytes that it holds.
    if (name.ends_with(".gz") || name.ends_with(".tmp"))
      return !content.ends_with(std::string(4, '\0'));
    // A beginning of NULs may be followed by a line.
    return name == path ? content.find_first_not_of('\0') != std::string::npos : !content.empty();
  });
}

// Of a file below the directory of pods: of the current file of its log.
std::string CurrentOf(const std::string& path) {
  constexpr std::string_view kLog = ".log";
  return path.substr(0, path.find(kLog, path.rfind('/')) + kLog.size());
}

}  // namespace

void CheckLedger(const Ledger& ledger, const World& world) {
  for (const LedgerEntry& entry : ledger.entries) {
    if (entry.imbalance != 0) {
      throw Violation{
          fmt::format("the ledger of {} is off by {} bytes: {} produced, {} settled, "
                      "{} in flight, {} unread",
                      NameOfEntry(entry), entry.imbalance, entry.produced, entry.settled.Total(),
                      entry.in_flight, entry.unread)};
    }
    for (size_t i = 0; i < kLossReasons; ++i) {
      const auto reason = static_cast<LossReason>(i);
      if (entry.settled.lost[i] == 0 || MayLose(reason, world)) continue;
      throw Violation{fmt::format("{} bytes of {} are said to be lost: {}", entry.settled.lost[i],
                                  NameOfEntry(entry), ToString(reason))};
    }
  }
}

void CheckLedgerAtRest(const Ledger& ledger, const World& world, const Model& model,
                       const SimulatedDisk& disk) {
  std::map<std::string, uint64_t> produced;
  for (const LedgerEntry& entry : ledger.entries) {
    if (entry.in_flight > 0) {
      throw Violation{
          fmt::format("{} bytes of {} are still in flight", entry.in_flight, NameOfEntry(entry))};
    }
    produced[entry.route] += entry.produced;
  }
  const KubeletHabits& habits = world.kubelet;
  const bool all_stays = !habits.deletes && !habits.compresses && !habits.restarts &&
                         !habits.removes_pods && !habits.truncates;
  if (!all_stays) return;
  const bool restarts = world.crashes + world.power_cuts > 0;
  for (const RoutePlan& route : world.routes) {
    if (route.start_now) continue;
    uint64_t written = 0;
    uint64_t missed = 0;  // at most
    for (const std::string& path : disk.Names(Kubelet::kPodsDirectory)) {
      const std::string name = path.substr(std::string(Kubelet::kPodsDirectory).size() + 1);
      if (!model.Takes(route, name) || !IsKnown(CurrentOf(path), disk)) continue;
      const InodePointer file = disk.Find(path);
      written += file->content.size();
      if (!kRemembersEmptyFiles && restarts) missed += model.LateBytes(*file);
    }
    if (route.began_late) missed = written;  // of what the others were done with
    if (produced[route.name] > written || produced[route.name] + missed < written) {
      throw Violation{fmt::format("route \"{}\": {} bytes were written, the ledger says {}",
                                  route.name, written, produced[route.name])};
    }
  }
}

void CheckLosses(const Ledger& ledger, const World& world, const Model& model) {
  // There a segment has several files, of which one may be given up for another.
  if (world.kubelet.compresses || world.kubelet.truncates) return;
  std::map<std::string, uint64_t> lost;
  for (const LedgerEntry& entry : ledger.entries) {
    lost[entry.route] += entry.settled.lost[static_cast<size_t>(LossReason::kVanished)] +
                         entry.settled.lost[static_cast<size_t>(LossReason::kUnknown)];
  }
  for (const RoutePlan& route : world.routes) {
    const uint64_t bytes_max = lost[route.name] == 0 ? 0 : model.MayVanish(route);
    if (lost[route.name] <= bytes_max) continue;
    throw Violation{fmt::format("route \"{}\": {} bytes are said to be lost, {} can be", route.name,
                                lost[route.name], bytes_max)};
  }
}

void CheckEscrowAtRest(const World& world, const SimulatedDisk& disk) {
  if (!kRetriesReleases && world.faults.io_error > 0) return;
  const std::string& directory = world.config.escrow.directory;
  for (const std::string& held : disk.Names(directory)) {
    if (DirectoryOf(held) == directory) continue;  // what a start that was killed has tried
    const InodePointer inode = disk.Find(held);
    const std::vector<std::string> logs = disk.Names(Kubelet::kPodsDirectory);
    const bool newest = std::any_of(logs.begin(), logs.end(), [&](const std::string& path) {
      return path.ends_with(".log") && disk.Find(path) == inode;
    });
    const std::string log = held.substr(directory.size(), held.rfind('.') - directory.size());
    if (!newest && IsKnown(Kubelet::kPodsDirectory + log + ".log", disk)) {
      throw Violation{
          fmt::format("file #{} is settled, and held as \"{}\"", inode->identity, held)};
    }
  }
}

}  // namespace hinomi::simulation
