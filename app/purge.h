// `hinomi purge`: removes all that the agent has written on this node, and nothing else: what it
// finds in the state directory and in the escrow goes by its name, and a stranger's file stays.
// Archives are the user's data and stay too.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/filesystem.h"
#include "base/result.h"
#include "config/config.h"

namespace hinomi {

/// What of one kind lies below one directory.
struct PurgeGroup {
  std::string what;  // "cursors and ledger"
  std::string directory;
  std::vector<std::string> paths;
  uint64_t bytes = 0;
};

/// What would be removed. Keeps agents out while it exists.
struct PurgePlan {
  std::vector<PurgeGroup> groups;        // none empty
  std::vector<std::string> directories;  // go where they are empty then; the innermost first
  std::vector<std::string> roots;        // likewise, after them; may be somebody's mounts
  std::vector<std::string> strangers;    // stay
  /// Files of the escrow that have no other name, with bytes that are not delivered.
  uint64_t unsettled_files = 0;
  uint64_t unsettled_bytes = 0;
  std::string lock_path;  // goes last; empty where there is none
  std::vector<std::unique_ptr<FileLock>> locks;

  bool empty() const { return groups.empty() && directories.empty(); }
};

/// Looks, and removes nothing. Errors: transient while an agent runs, io.
Result<PurgePlan> PlanPurge(const Config& config, FileSystem& files);

/// The plan for people, with what stays.
std::string ToText(const PurgePlan& plan, const Config& config);

/// Removes it, and what cannot be removed is returned, each with the cause.
std::vector<std::string> Purge(const PurgePlan& plan, FileSystem& files);

}  // namespace hinomi
