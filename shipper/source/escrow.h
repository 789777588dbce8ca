// The escrow: one more name for every file of a log that is not settled, so that neither the
// kubelet's rotation nor a removed pod takes its bytes away, also while no agent runs. Knows files
// and names, not cursors.
//
// A file is <directory>/<the log's directory>/<restart>.<ordinal of the segment>, and .gz if it is
// compressed; an absolute directory (docker's) lies below "@". No name ends in .log, so that nobody
// takes them for logs.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/filesystem.h"
#include "base/metrics.h"

namespace hinomi {

/// Which segment of which log a held file is.
struct HeldName {
  std::string directory;  // the log's, as the store names it
  uint32_t restart = 0;
  uint32_t ordinal = 0;
  bool compressed = false;
  auto operator<=>(const HeldName&) const = default;
};

/// What a file of the escrow is, by its path below it; nothing when it cannot be one.
std::optional<HeldName> ParseHeldName(const std::string& relative);

/// True for what TryLinks may leave behind when the process dies in the middle.
bool IsProbeName(std::string_view relative);

/// Tries whether files can be linked into the directory, which is locked: one of its own, and
/// `sample` where there is one. Errors: io.
Result<void> TryLinks(FileSystem& files, const std::string& directory, File* sample = nullptr);

struct HeldFile {
  HeldName name;
  std::shared_ptr<File> file;
  FileStat stat;
};

/// Its user's lock guards it.
class Escrow {
 public:
  /// `directory` as the process sees it; empty: files are held by their descriptors alone.
  Escrow(std::string directory, FileSystem& files, Metrics& metrics);

  /// Makes the directory and tries whether files can be linked into it. Until this was said to work
  /// nothing is held.
  void Probe();
  /// Why files are held by their descriptors alone, for an operator; empty while all are linked.
  const std::string& degraded() const { return degraded_; }
  const std::string& directory() const { return directory_; }

  /// What an earlier process held and did not release, in the order of their names.
  std::vector<HeldFile> Scan();

  /// Links `file`, which was opened below `root`. False when that does not work; it is counted, and
  /// said once for a root.
  bool Hold(const HeldName& name, File& file, const std::string& root);
  /// Takes the link away, and the directories that are empty then.
  void Release(const HeldName& name);

 private:
  std::string PathOf(const HeldName& name) const;
  void ScanBelow(const std::string& relative, std::vector<HeldFile>* found);
  void Degrade(const std::string& why);

  const std::string directory_;
  FileSystem& files_;
  std::unique_ptr<FileLock> lock_;  // two agents would take each other's files for their own
  bool others_ = false;             // another agent has it
  bool works_ = false;
  std::string degraded_;
  std::set<std::string> foreign_roots_;  // on other mounts
  Gauge up_, links_;
  Counter errors_;
};

}  // namespace hinomi
