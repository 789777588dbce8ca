#include "base/filesystem.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <filesystem>
#include <system_error>

namespace hinomi {
namespace {

constexpr int kLinksMax = 40;          // as the kernel's
constexpr uint64_t kBlockBytes = 512;  // of st_blocks, whatever the file system's own are

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

FileKind KindOf(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::kRegular;
  if (S_ISDIR(mode)) return FileKind::kDirectory;
  if (S_ISLNK(mode)) return FileKind::kLink;
  return FileKind::kOther;
}

Duration ToDuration(int64_t seconds, int64_t nanoseconds) {
  return std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds);
}

// The path that an open file has now, for errors: many files are open, and few of them fail.
std::string NameOf(int descriptor) {
  char path[PATH_MAX] = {};
  const std::string self = fmt::format("/proc/self/fd/{}", descriptor);
  const ssize_t bytes = readlink(self.c_str(), path, sizeof path);
  return bytes < 0 ? self : std::string(path, static_cast<size_t>(bytes));
}

Error FailedTo(std::string_view verb, int descriptor) {
  const int cause = errno;
  return IoError(verb, NameOf(descriptor), cause);
}

// statx(2) for the birth time, fstatat(2) where a kernel or a seccomp filter does not have it.
Result<FileStat> StatAt(int directory, const char* name, int flags) {
  const auto failed = [&](int cause) {
    return IoError("look at", *name == 0 ? NameOf(directory) : name, cause);
  };
  struct statx fresh = {};
  const unsigned wanted = STATX_BASIC_STATS | STATX_BTIME;
  if (statx(directory, name, flags | AT_SYMLINK_NOFOLLOW, wanted, &fresh) == 0) {
    FileStat stat{KindOf(fresh.stx_mode),
                  fresh.stx_ino,
                  fresh.stx_size,
                  Duration{0},
                  ToDuration(fresh.stx_mtime.tv_sec, fresh.stx_mtime.tv_nsec),
                  fresh.stx_nlink,
                  fresh.stx_blocks * kBlockBytes};
    if ((fresh.stx_mask & STATX_BTIME) != 0) {
      stat.birth = ToDuration(fresh.stx_btime.tv_sec, fresh.stx_btime.tv_nsec);
    }
    return stat;
  }
  if (errno != ENOSYS && errno != EPERM) return failed(errno);
  struct stat old = {};
  if (fstatat(directory, name, &old, flags | AT_SYMLINK_NOFOLLOW) != 0) {
    return failed(errno);
  }
  return FileStat{KindOf(old.st_mode),
                  old.st_ino,
                  static_cast<uint64_t>(old.st_size),
                  Duration{0},
                  ToDuration(old.st_mtim.tv_sec, old.st_mtim.tv_nsec),
                  old.st_nlink,
                  static_cast<uint64_t>(old.st_blocks) * kBlockBytes};
}

class PosixFile final : public WritableFile {
 public:
  explicit PosixFile(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  Result<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
    size_t done = 0;
    while (done < size) {
      const ssize_t count =
          pread(descriptor_.get(), out + done, size - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return FailedTo("read", descriptor_.get());
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }

  Result<FileStat> Stat() override { return StatAt(descriptor_.get(), "", AT_EMPTY_PATH); }

  // By way of /proc, since AT_EMPTY_PATH asks for a capability.
  Result<void> LinkTo(const std::string& path) override {
    const std::string self = fmt::format("/proc/self/fd/{}", descriptor_.get());
    if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) return {};
    const int cause = errno;
    return IoError("link \"" + NameOf(descriptor_.get()) + "\" to", path, cause);
  }

  Result<void> WriteAt(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t count =
          pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return FailedTo("write", descriptor_.get());
      bytes.remove_prefix(static_cast<size_t>(count));
      offset += static_cast<uint64_t>(count);
    }
    return {};
  }

  Result<void> Truncate(uint64_t size) override {
    if (ftruncate(descriptor_.get(), static_cast<off_t>(size)) == 0) return {};
    return FailedTo("truncate", descriptor_.get());
  }

  Result<void> Sync() override {
    if (fdatasync(descriptor_.get()) == 0) return {};
    return FailedTo("sync", descriptor_.get());
  }

 private:
  Descriptor descriptor_;
};

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;
};

// Walks component by component, so that it also works where openat2(2) is missing (Linux < 5.6).
Result<Descriptor> OpenBelow(const std::string& root, const std::string& relative, int flags) {
  Descriptor at(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (at.get() < 0) return IoError("open", root, errno);
  const std::string path = root + "/" + relative;
  std::string_view rest = relative;
  while (true) {
    const size_t slash = rest.find('/');
    const bool last = slash == std::string_view::npos;
    const std::string name(last ? rest : rest.substr(0, slash));
    CHECK(name != "..");
    const int mode = last ? flags : (O_PATH | O_DIRECTORY);
    Descriptor next(openat(at.get(), name.empty() ? "." : name.c_str(),
                           mode | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (next.get() < 0) return IoError("open", path, errno);
    if (last) return next;
    at = std::move(next);
    rest.remove_prefix(slash + 1);
  }
}

Result<void> WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t count = write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return IoError("write", path, errno);
    content.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

std::string DirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

Result<std::string> PosixFileSystem::Resolve(const std::string& host_root,
                                             const std::string& path) {
  const std::string base = host_root == "/" ? "" : host_root;
  std::vector<std::string> pending;  // components still to walk, the next one last
  const auto push = [&pending](const std::filesystem::path& more) {
    std::vector<std::string> parts;
    for (const auto& part : more.relative_path()) parts.push_back(part.string());
    pending.insert(pending.end(), parts.rbegin(), parts.rend());
  };
  push(path);
  std::string resolved;
  int links = 0;
  while (!pending.empty()) {
    const std::string part = pending.back();
    pending.pop_back();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      resolved.erase(resolved.empty() ? 0 : resolved.rfind('/'));
      continue;
    }
    const std::string here = base + resolved + "/" + part;
    char target[PATH_MAX];
    const ssize_t length = readlink(here.c_str(), target, sizeof target);
    if (length < 0) {
      if (errno != EINVAL) return IoError("resolve", base + path, errno);
      resolved += "/" + part;
      continue;
    }
    if (++links > kLinksMax) return IoError("resolve", base + path, ELOOP);
    const std::string link(target, static_cast<size_t>(length));
    if (link.starts_with('/')) resolved.clear();
    push(link);
  }
  return base + (resolved.empty() ? "/" : resolved);
}

Result<std::vector<DirectoryEntry>> PosixFileSystem::List(const std::string& root,
                                                          const std::string& relative) {
  Result<Descriptor> opened = OpenBelow(root, relative, O_RDONLY | O_DIRECTORY);
  if (!opened) return opened.error();
  DIR* directory = fdopendir(opened->get());
  if (directory == nullptr) return IoError("list", root + "/" + relative, errno);
  opened->release();
  std::vector<DirectoryEntry> entries;
  while (const dirent* entry = readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    FileKind kind = FileKind::kOther;
    if (entry->d_type == DT_UNKNOWN) {
      const Result<FileStat> stat = StatAt(dirfd(directory), entry->d_name, 0);
      if (stat) kind = stat->kind;
    } else {
      kind = KindOf(DTTOIF(entry->d_type));
    }
    entries.push_back({std::string(name), kind});
  }
  closedir(directory);
  return entries;
}

Result<FileStat> PosixFileSystem::Stat(const std::string& root, const std::string& relative) {
  Result<Descriptor> opened = OpenBelow(root, relative, O_PATH);
  if (!opened) return opened.error();
  return StatAt(opened->get(), "", AT_EMPTY_PATH);
}

Result<std::unique_ptr<File>> PosixFileSystem::Open(const std::string& root,
                                                    const std::string& relative) {
  Result<Descriptor> opened = OpenBelow(root, relative, O_RDONLY);
  if (!opened) return opened.error();
  const Result<FileStat> stat = StatAt(opened->get(), "", AT_EMPTY_PATH);
  if (!stat) return stat.error();
  if (stat->kind != FileKind::kRegular) {
    return Error{ErrorKind::kIo,
                 fmt::format("cannot open \"{}\": not a regular file", root + "/" + relative)};
  }
  return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(*opened)));
}

Result<void> PosixFileSystem::MakeDirectories(const std::string& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code) return IoError("make directory", path, code.value());
  return {};
}

Result<void> PosixFileSystem::MakePrivateDirectory(const std::string& path) {
  if (Result<void> made = MakeDirectories(DirectoryOf(path)); !made) return made;
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return IoError("make directory", path, errno);
  }
  return SyncDirectory(DirectoryOf(path));
}

Result<std::string> PosixFileSystem::ReadWhole(const std::string& path, uint64_t bytes_max) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return IoError("open", path, errno);
  std::string content;
  char block[4096];  // some callers' stacks are small
  while (true) {
    const ssize_t count = read(fd.get(), block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return IoError("read", path, errno);
    if (count == 0) return content;
    content.append(block, static_cast<size_t>(count));
    if (content.size() > bytes_max) return IoError("read", path, EFBIG);
  }
}

bool PosixFileSystem::Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

Result<void> PosixFileSystem::WriteSynced(const std::string& path, std::string_view content) {
  const Descriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (fd.get() < 0) return IoError("open", path, errno);
  if (Result<void> written = WriteAll(fd.get(), content, path); !written) return written;
  if (fdatasync(fd.get()) != 0) return IoError("sync", path, errno);
  // Also when it was there before: a write that failed may have left a name that is not synced.
  return SyncDirectory(DirectoryOf(path));
}

Result<std::unique_ptr<WritableFile>> PosixFileSystem::OpenWritable(const std::string& path) {
  Descriptor fd(
      open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0640));
  if (fd.get() < 0) return IoError("open", path, errno);
  const Result<FileStat> stat = StatAt(fd.get(), "", AT_EMPTY_PATH);
  if (!stat) return stat.error();
  if (stat->kind != FileKind::kRegular) {
    return Error{ErrorKind::kIo, fmt::format("cannot open \"{}\": not a regular file", path)};
  }
  return std::unique_ptr<WritableFile>(std::make_unique<PosixFile>(std::move(fd)));
}

Result<DiskSpace> PosixFileSystem::SpaceOf(const std::string& path) {
  struct statvfs space = {};
  if (statvfs(path.c_str(), &space) != 0) return IoError("ask for the free space of", path, errno);
  return DiskSpace{space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize};
}

Result<void> PosixFileSystem::Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return {};
  return IoError("rename", from, errno);
}

Result<void> PosixFileSystem::Remove(const std::string& path) {
  if (remove(path.c_str()) == 0) return {};
  return IoError("remove", path, errno);
}

Result<void> PosixFileSystem::SyncDirectory(const std::string& path) {
  const Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) != 0) return IoError("sync", path, errno);
  return {};
}

Result<std::unique_ptr<FileLock>> PosixFileSystem::Lock(const std::string& path) {
  Descriptor fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (fd.get() < 0 && errno == EISDIR) fd = Descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return IoError("open", path, errno);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return IoError("lock", path, errno);
    return Error{ErrorKind::kTransient,
                 fmt::format("cannot lock \"{}\": another hinomi uses this directory", path)};
  }
  return std::unique_ptr<FileLock>(std::make_unique<PosixFileLock>(std::move(fd)));
}

}  // namespace hinomi
