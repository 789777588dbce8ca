// The cgroups that get rows: the root, kubepods and its classes, pods, containers. Kept from scrape
// to scrape with their descriptors, so that a scrape costs a read per file and lists only the
// directories that have changed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/cgroup/cgroup_name.h"
#include "collector/cgroup/hierarchies.h"

namespace hinomi {

/// One cgroup that gets rows.
struct Cgroup {
  /// "/kubepods/burstable/pod…/…", in every hierarchy; "/" is the root. The tree's.
  std::string_view path;
  Cgroup* pod = nullptr;           // that a container belongs to; null outside Kubernetes
  std::span<const Field> forgone;  // what it is not read for
  uint64_t number = 0;             // no other cgroup has or will have it
  CgroupStats stats;               // of the last Read
  std::vector<int> files;  // as the tree's; below zero where there is none. The tree's to close
  CgroupKind kind = CgroupKind::kOther;
  bool gone = false;  // by the last Read

  /// Of the pod or container.
  std::string id() const;
};

class CgroupTree {
 public:
  static constexpr size_t kDirectoriesMax = 20'000;

  /// What has to be read.
  struct Wanted {
    std::array<bool, kFieldCount> fields = {};
    bool io = false;
    bool operator[](Field field) const { return fields[static_cast<size_t>(field)]; }
    void Add(Field field) { fields[static_cast<size_t>(field)] = true; }
  };

  CgroupTree(CgroupHierarchies hierarchies, const Wanted& wanted);
  ~CgroupTree();
  CgroupTree(const CgroupTree&) = delete;
  CgroupTree& operator=(const CgroupTree&) = delete;

  /// Finds what came and what went.
  void Refresh();
  /// Those there are, parents before children; until the next Refresh.
  std::span<Cgroup* const> cgroups() const { return cgroups_; }
  /// Reads its files; sets `gone` when there are none any more. `settings`: also those files that
  /// only people change.
  void Read(Cgroup& cgroup, bool settings);
  /// From now on these fields of it are missing, and files that give nothing else are not read.
  void Forgo(Cgroup& cgroup, std::span<const Field> fields);
  /// The processes in it, or in cgroups below it when it has none itself; at most `max`.
  std::vector<uint32_t> Processes(const Cgroup& cgroup, size_t max) const;

  /// Directories that were left out because there are too many.
  size_t directories_left_out() const { return left_out_; }

 private:
  struct Directory;
  bool Visit(Directory& directory, size_t depth);
  void List(Directory& directory);
  void Close(Directory& directory);
  void Collect(Directory& directory);
  int Open(const Cgroup& cgroup, const CgroupFile& file);
  bool Gives(const CgroupFile& file, std::span<const Field> forgone) const;

  const CgroupHierarchies hierarchies_;
  const Wanted wanted_;
  std::vector<CgroupFile> files_;  // those that give something wanted
  std::unique_ptr<Directory> root_;
  std::vector<Cgroup*> cgroups_;
  bool changed_ = true;
  std::vector<char> text_;  // of the file at hand
  std::string full_path_;   // of the directory at hand
  size_t directories_ = 0;
  size_t left_out_ = 0;
  uint64_t next_number_ = 1;
};

}  // namespace hinomi
