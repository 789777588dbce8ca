#include "tests/simulation/simulated_filesystem.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hinomi::simulation {
namespace {

FileStat StatOf(const Inode& inode) {
  return {inode.kind,     inode.number, inode.content.size(), inode.birth,
          inode.modified, inode.links,  inode.content.size()};
}

std::string Join(const std::string& root, const std::string& relative) {
  return relative.empty() ? root : root + "/" + relative;
}

}  // namespace

class SimulatedFile final : public WritableFile {
 public:
  SimulatedFile(SimulatedFileSystem& files, uint64_t descriptor, InodePointer inode,
                std::string path)
      : files_(files), descriptor_(descriptor), inode_(std::move(inode)), path_(std::move(path)) {}
  ~SimulatedFile() override { files_.Close(descriptor_); }

  Result<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
    files_.BeginCall();
    if (files_.Fails(files_.faults.io_error)) return IoError("read", path_, EIO);
    const uint64_t end = inode_->content.size();
    size = std::min<uint64_t>(size, end - std::min(end, offset));
    // Only what a file that is cut and grows again can show; File promises whole reads otherwise.
    if (size > 0 && offset > 0 && files_.Fails(files_.faults.short_read)) {
      size = files_.random_.Below(size);
      // The agent sends a sequence of UTF-8 as it is that waits too long for its end.
      while (size > 0 &&
             (static_cast<unsigned char>(inode_->content[offset + size]) & 0xc0) == 0x80)
        --size;
    }
    std::memcpy(out, inode_->content.data() + std::min(end, offset), size);
    return size;
  }
  Result<FileStat> Stat() override {
    files_.BeginCall();
    return StatOf(*inode_);
  }
  Result<void> LinkTo(const std::string& path) override {
    files_.BeginCall();
    if (files_.Fails(files_.faults.no_space)) return IoError("link", path, ENOSPC);
    // As linkat(2) of /proc/self/fd/N: an inode without a name cannot get one again.
    if (inode_->links == 0) return IoError("link", path, ENOENT);
    if (files_.disk_.Find(path) != nullptr) return IoError("link", path, EEXIST);
    if (files_.disk_.Find(DirectoryOf(path)) == nullptr) return IoError("link", path, ENOENT);
    files_.disk_.Link(inode_, path);
    return {};
  }
  Result<void> WriteAt(uint64_t offset, std::string_view bytes) override {
    files_.BeginCall();
    return files_.WriteAt(inode_, offset, bytes);
  }
  Result<void> Truncate(uint64_t size) override {
    files_.BeginCall();
    if (files_.Fails(files_.faults.io_error)) return IoError("truncate", path_, EIO);
    files_.disk_.Truncate(inode_, size);
    return {};
  }
  Result<void> Sync() override {
    files_.BeginCall();
    return files_.Sync(inode_, path_);
  }

 private:
  SimulatedFileSystem& files_;
  const uint64_t descriptor_;
  const InodePointer inode_;
  const std::string path_;
};

void SimulatedFileSystem::BeginCall() {
  if (kill_after_ != kNever && kill_after_-- == 0) {
    kill_after_ = kNever;
    throw Killed{};
  }
  if (interrupting_ || !interrupt || !Fails(faults.interruption)) return;
  if (++interruptions_ > kInterruptionsMax) return;
  interrupting_ = true;
  interrupt();
  interrupting_ = false;
}

void SimulatedFileSystem::DropDescriptors(const std::function<void(const Inode&)>& on_held) {
  const auto dropped = std::exchange(descriptors_, {});
  for (const auto& [number, descriptor] : dropped) {
    on_held(*descriptor.inode);
    disk_.Closed(descriptor.inode);
  }
}

std::vector<InodePointer> SimulatedFileSystem::Held() const {
  std::vector<InodePointer> held;
  for (const auto& [number, descriptor] : descriptors_) held.push_back(descriptor.inode);
  return held;
}

void SimulatedFileSystem::Close(uint64_t number) {
  const auto found = descriptors_.find(number);
  if (found == descriptors_.end()) return;  // of a process that died
  const Descriptor descriptor = found->second;
  descriptors_.erase(found);
  if (descriptor.opened_in != step_ && on_release) on_release(*descriptor.inode);
  disk_.Closed(descriptor.inode);
}

Result<std::string> SimulatedFileSystem::Resolve(const std::string&, const std::string& path) {
  BeginCall();
  std::string resolved;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at + 1), path.size());
    resolved += path.substr(at, end - at);
    at = end;
    const InodePointer inode = disk_.Find(resolved);
    if (inode == nullptr) return IoError("resolve", path, ENOENT);
    if (inode->kind == FileKind::kLink) resolved = inode->content;
  }
  return resolved;
}

Result<std::vector<DirectoryEntry>> SimulatedFileSystem::List(const std::string& root,
                                                              const std::string& relative) {
  BeginCall();
  const std::string path = Join(root, relative);
  const InodePointer inode = disk_.Find(path);
  if (inode == nullptr) return IoError("list", path, ENOENT);
  if (inode->kind != FileKind::kDirectory) return IoError("list", path, ENOTDIR);
  if (descriptors_.size() >= faults.descriptors_max) return IoError("list", path, EMFILE);
  if (Fails(faults.reach_error)) return IoError("list", path, EIO);
  return disk_.List(path);
}

Result<FileStat> SimulatedFileSystem::Stat(const std::string& root, const std::string& relative) {
  BeginCall();
  const std::string path = Join(root, relative);
  const InodePointer inode = disk_.Find(path);
  if (inode == nullptr) return IoError("look at", path, ENOENT);
  if (descriptors_.size() >= faults.descriptors_max) return IoError("look at", path, EMFILE);
  if (Fails(faults.reach_error)) return IoError("look at", path, EIO);
  return StatOf(*inode);
}

Result<std::unique_ptr<WritableFile>> SimulatedFileSystem::OpenInode(const InodePointer& inode,
                                                                     const std::string& path) {
  if (inode->kind != FileKind::kRegular) {
    return Error{ErrorKind::kIo, "cannot open \"" + path + "\": not a regular file"};
  }
  if (descriptors_.size() >= faults.descriptors_max) return IoError("open", path, EMFILE);
  if (Fails(faults.reach_error)) return IoError("open", path, EIO);
  const uint64_t number = next_descriptor_++;
  descriptors_[number] = {inode, step_};
  disk_.Opened(inode);
  return std::unique_ptr<WritableFile>(std::make_unique<SimulatedFile>(*this, number, inode, path));
}

Result<std::unique_ptr<File>> SimulatedFileSystem::Open(const std::string& root,
                                                        const std::string& relative) {
  BeginCall();
  const std::string path = Join(root, relative);
  const InodePointer inode = disk_.Find(path);
  if (inode == nullptr) return IoError("open", path, ENOENT);
  Result<std::unique_ptr<WritableFile>> file = OpenInode(inode, path);
  if (!file) return file.error();
  return std::unique_ptr<File>(std::move(*file));
}

Result<void> SimulatedFileSystem::MakeDirectories(const std::string& path) {
  BeginCall();
  disk_.MakeDirectories(path);
  return {};
}

Result<void> SimulatedFileSystem::MakePrivateDirectory(const std::string& path) {
  BeginCall();
  if (disk_.Find(path) == nullptr) {
    if (Fails(faults.no_space)) return IoError("make directory", path, ENOSPC);
    disk_.MakeDirectories(path);
  }
  return SyncDirectory(DirectoryOf(path));
}

Result<std::string> SimulatedFileSystem::ReadWhole(const std::string& path, uint64_t) {
  BeginCall();
  const InodePointer inode = disk_.Find(path);
  if (inode == nullptr) return IoError("open", path, ENOENT);
  return inode->content;
}

bool SimulatedFileSystem::Exists(const std::string& path) {
  BeginCall();
  return disk_.Find(path) != nullptr;
}

// As the real one: in place, so that what was there is gone first.
Result<void> SimulatedFileSystem::WriteSynced(const std::string& path, std::string_view content) {
  BeginCall();
  if (Fails(faults.io_error)) return IoError("open", path, EIO);
  InodePointer inode = disk_.Find(path);
  if (inode == nullptr) inode = disk_.Make(path, FileKind::kRegular);
  disk_.Truncate(inode, 0);
  BeginCall();
  if (auto written = WriteAt(inode, 0, content); !written) return written;
  BeginCall();
  if (auto synced = Sync(inode, path); !synced) return synced;
  return SyncDirectory(DirectoryOf(path));
}

Result<std::unique_ptr<WritableFile>> SimulatedFileSystem::OpenWritable(const std::string& path) {
  BeginCall();
  InodePointer inode = disk_.Find(path);
  if (inode == nullptr) {
    if (Fails(faults.no_space)) return IoError("open", path, ENOSPC);
    if (disk_.Find(DirectoryOf(path)) == nullptr) return IoError("open", path, ENOENT);
    inode = disk_.Make(path, FileKind::kRegular);
  }
  return OpenInode(inode, path);
}

Result<void> SimulatedFileSystem::WriteAt(const InodePointer& inode, uint64_t offset,
                                          std::string_view bytes) {
  if (!Fails(faults.no_space)) {
    disk_.Write(inode, offset, bytes);
    return {};
  }
  disk_.Write(inode, offset, bytes.substr(0, random_.Below(bytes.size() + 1)));
  return IoError("write", "a simulated file", ENOSPC);
}

Result<void> SimulatedFileSystem::Sync(const InodePointer& inode, const std::string& path) {
  if (Fails(faults.io_error)) return IoError("sync", path, EIO);
  disk_.Sync(inode);
  return {};
}

Result<DiskSpace> SimulatedFileSystem::SpaceOf(const std::string&) {
  BeginCall();
  return DiskSpace{uint64_t{100} << 30, space_available};
}

Result<void> SimulatedFileSystem::Rename(const std::string& from, const std::string& to) {
  BeginCall();
  if (disk_.Find(from) == nullptr) return IoError("rename", from, ENOENT);
  disk_.Rename(from, to);
  return {};
}

Result<void> SimulatedFileSystem::Remove(const std::string& path) {
  BeginCall();
  if (disk_.Find(path) == nullptr) return IoError("remove", path, ENOENT);
  if (!disk_.List(path).empty()) return IoError("remove", path, ENOTEMPTY);
  if (Fails(faults.io_error)) return IoError("remove", path, EIO);
  disk_.Remove(path);
  return {};
}

Result<void> SimulatedFileSystem::SyncDirectory(const std::string& path) {
  BeginCall();
  if (Fails(faults.io_error)) return IoError("sync", path, EIO);
  disk_.SyncDirectory(path);
  return {};
}

Result<std::unique_ptr<FileLock>> SimulatedFileSystem::Lock(const std::string&) {
  return std::make_unique<FileLock>();
}

}  // namespace hinomi::simulation
