#include "collector/cgroup/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "collector/words.h"

namespace hinomi {
namespace {

constexpr size_t kDepthMax = 12;
constexpr size_t kFileBytesMax = 16 << 10;  // memory.stat of a large machine is a third of it
constexpr int kNotTried = -2;
// What is read now and then is opened for that: the kernel keeps a page of its memory for each
// descriptor that was read.
constexpr int kOnDemand = -3;

bool IsDirectory(const std::string& path, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat status = {};
  return lstat((path + "/" + entry.d_name).c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::vector<std::string> ListDirectories(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.' && IsDirectory(path, *entry)) names.emplace_back(entry->d_name);
  }
  closedir(directory);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string Cgroup::id() const {
  return ParseCgroupName(path.substr(path.rfind('/') + 1), /*in_slice=*/true).id;
}

struct CgroupTree::Directory {
  std::string path;                // "" for the root
  std::unique_ptr<Cgroup> cgroup;  // null: it gets no rows
  /// Of the directory when it was last listed; the kernel counts those below it. Zero: to be
  /// listed.
  uint64_t links = 0;
  std::vector<std::unique_ptr<Directory>> children;  // by name

  std::string_view name() const { return std::string_view(path).substr(path.rfind('/') + 1); }
  bool in_slice() const { return cgroup != nullptr && cgroup->kind == CgroupKind::kSlice; }
};

CgroupTree::CgroupTree(CgroupHierarchies hierarchies, const Wanted& wanted)
    : hierarchies_(std::move(hierarchies)),
      wanted_(wanted),
      root_(std::make_unique<Directory>()),
      text_(kFileBytesMax) {
  for (const CgroupFile& file : hierarchies_.files) {
    if (Gives(file, {})) files_.push_back(file);
  }
  // Whether a cgroup is gone is told by what is read every time.
  const bool only_settings = std::all_of(files_.begin(), files_.end(),
                                         [](const CgroupFile& file) { return file.setting; });
  for (CgroupFile& file : files_) file.setting = file.setting && !only_settings;
  root_->cgroup = std::make_unique<Cgroup>();
  root_->cgroup->path = "/";
  root_->cgroup->kind = CgroupKind::kRoot;
  root_->cgroup->files.assign(files_.size(), kNotTried);
}

CgroupTree::~CgroupTree() { Close(*root_); }

void CgroupTree::Close(Directory& directory) {
  changed_ = true;
  if (directory.cgroup != nullptr) {
    for (int& file : directory.cgroup->files) {
      if (file >= 0) close(std::exchange(file, kNotTried));
    }
  }
  for (const std::unique_ptr<Directory>& child : directory.children) Close(*child);
  directories_ -= directory.children.size();
  directory.children.clear();
}

void CgroupTree::Refresh() {
  if (hierarchies_.listing.empty()) return;
  left_out_ = 0;
  if (root_->cgroup->gone) {
    root_->cgroup->gone = false;
    root_->cgroup->files.assign(files_.size(), kNotTried);
  }
  Visit(*root_, 0);
  if (!std::exchange(changed_, false)) return;
  cgroups_.clear();
  Collect(*root_);
}

void CgroupTree::Collect(Directory& directory) {
  if (directory.cgroup != nullptr) cgroups_.push_back(directory.cgroup.get());
  for (const std::unique_ptr<Directory>& child : directory.children) Collect(*child);
}

// False when it is gone. Containers are not looked into: what they make of their own is theirs.
bool CgroupTree::Visit(Directory& directory, size_t depth) {
  if (directory.cgroup != nullptr && directory.cgroup->kind == CgroupKind::kContainer) return true;
  if (depth > kDepthMax) return true;
  struct stat status = {};
  full_path_.assign(hierarchies_.listing).append(directory.path);
  if (stat(full_path_.c_str(), &status) != 0) {
    directory.links = 0;
    return false;
  }
  // One may have come for each that went. And some file systems, though none of cgroups, count one
  // link whatever there is.
  const bool replaced = std::any_of(
      directory.children.begin(), directory.children.end(),
      [](const auto& child) { return child->cgroup != nullptr && child->cgroup->gone; });
  if (replaced || status.st_nlink < 2 || status.st_nlink != directory.links) {
    directory.links = status.st_nlink;
    List(directory);
  }
  for (const std::unique_ptr<Directory>& child : directory.children) {
    if (!Visit(*child, depth + 1)) directory.links = 0;
  }
  return true;
}

void CgroupTree::List(Directory& directory) {
  const std::vector<std::string> names = ListDirectories(hierarchies_.listing + directory.path);
  std::vector<std::unique_ptr<Directory>> before = std::move(directory.children);
  directory.children.clear();
  directories_ -= before.size();
  auto old = before.begin();
  for (const std::string& name : names) {
    for (; old != before.end() && (*old)->name() < name; ++old) Close(**old);
    if (directories_ >= kDirectoriesMax) {
      ++left_out_;
      continue;
    }
    ++directories_;
    if (old != before.end() && (*old)->name() == name) {
      if ((*old)->cgroup == nullptr || !(*old)->cgroup->gone) {
        directory.children.push_back(std::move(*old++));
        continue;
      }
      Close(**old++);  // another of that name, or one that could not be read: it begins anew
    }
    changed_ = true;
    auto child = std::make_unique<Directory>();
    child->path.reserve(directory.path.size() + 1 + name.size());
    child->path.append(directory.path).append("/").append(name);
    const CgroupKind kind = ParseCgroupName(name, directory.in_slice()).kind;
    if (kind != CgroupKind::kOther) {
      child->cgroup = std::make_unique<Cgroup>();
      child->cgroup->path = child->path;
      child->cgroup->kind = kind;
      child->cgroup->number = next_number_++;
      child->cgroup->files.assign(files_.size(), kNotTried);
      if (directory.cgroup != nullptr && directory.cgroup->kind == CgroupKind::kPod) {
        child->cgroup->pod = directory.cgroup.get();
      }
    }
    directory.children.push_back(std::move(child));
  }
  for (; old != before.end(); ++old) Close(**old);
}

bool CgroupTree::Gives(const CgroupFile& file, std::span<const Field> forgone) const {
  return (file.io && wanted_.io) ||
         std::any_of(file.fields.begin(), file.fields.end(), [&](Field field) {
           return wanted_[field] &&
                  std::find(forgone.begin(), forgone.end(), field) == forgone.end();
         });
}

void CgroupTree::Forgo(Cgroup& cgroup, std::span<const Field> fields) {
  cgroup.forgone = fields;
  for (const Field field : fields) cgroup.stats.Set(field, kMissing);
  for (size_t i = 0; i < files_.size(); ++i) {
    if (Gives(files_[i], fields)) continue;
    if (cgroup.files[i] >= 0) close(cgroup.files[i]);
    cgroup.files[i] = -1;
  }
}

int CgroupTree::Open(const Cgroup& cgroup, const CgroupFile& file) {
  const std::string& hierarchy = hierarchies_.of(file.controller);
  if (hierarchy.empty()) return -1;
  full_path_.assign(hierarchy).append(cgroup.path).append("/").append(file.name);
  return open(full_path_.c_str(), O_RDONLY | O_CLOEXEC);
}

void CgroupTree::Read(Cgroup& cgroup, bool settings) {
  const bool fresh = !cgroup.files.empty() && cgroup.files[0] == kNotTried;
  for (size_t i = 0; fresh && i < files_.size(); ++i) {
    cgroup.files[i] = files_[i].setting ? kOnDemand : Open(cgroup, files_[i]);
  }
  settings = settings || fresh;
  cgroup.stats.Clear(settings);
  bool any = false;
  for (size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].setting && !settings) continue;
    if (files_[i].of_quota && !cgroup.stats.Has(Field::kCpuQuota)) continue;
    const bool on_demand = cgroup.files[i] == kOnDemand;
    const int file = on_demand ? Open(cgroup, files_[i]) : cgroup.files[i];
    if (file < 0) continue;
    const ssize_t size = pread(file, text_.data(), text_.size(), 0);
    if (on_demand) close(file);
    if (size < 0) {
      // Pressure that was switched off answers EOPNOTSUPP.
      cgroup.gone = cgroup.gone || errno == ENODEV;
      continue;
    }
    any = true;
    files_[i].parse({text_.data(), static_cast<size_t>(size)}, &cgroup.stats);
  }
  cgroup.gone = cgroup.gone || !any;
  cgroup.stats.Derive();
  for (const Field field : cgroup.forgone) cgroup.stats.Set(field, kMissing);
}

std::vector<uint32_t> CgroupTree::Processes(const Cgroup& cgroup, size_t max) const {
  std::vector<uint32_t> processes;
  std::vector<std::string> pending = {hierarchies_.listing + std::string(cgroup.path)};
  for (size_t at = 0; at < pending.size() && at < 64 && processes.empty(); ++at) {
    const std::string directory = pending[at];
    const int file = open((directory + "/cgroup.procs").c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    char block[4096];
    const ssize_t size = pread(file, block, sizeof block, 0);
    close(file);
    std::string_view text(block, size < 0 ? 0 : static_cast<size_t>(size));
    while (const std::optional<std::string_view> line = TakeLine(&text)) {
      const std::optional<uint64_t> process = ParseCount(*line);
      // Zero: it is in another PID namespace than the agent's.
      if (process && *process != 0 && *process <= UINT32_MAX && processes.size() < max) {
        processes.push_back(static_cast<uint32_t>(*process));
      }
    }
    if (!processes.empty()) break;
    for (const std::string& name : ListDirectories(directory)) {
      pending.push_back(directory + "/" + name);
    }
  }
  return processes;
}

}  // namespace hinomi
