// A disk that stops at any operation, and forgets what was not synced: for the tests of the
// archive.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/filesystem.h"

namespace hinomi {

namespace fs = std::filesystem;

/// What is left of bytes and names that were not synced when everything stopped.
enum class Crash { kProcess, kPower, kPowerZeros };

/// The real one until `operations` have changed something; the next one is done by half, and from
/// then on nothing works.
class CrashingFileSystem final : public PosixFileSystem {
 public:
  explicit CrashingFileSystem(int operations, bool once = false) : left_(operations), once_(once) {}

  Result<void> MakeDirectories(const std::string& path) override {
    if (!Works()) return Stopped(path);
    return PosixFileSystem::MakeDirectories(path);
  }
  Result<void> Rename(const std::string& from, const std::string& to) override {
    if (!Works()) return Stopped(from);
    undo_.push_back({from, to, Content(to)});
    Move(from, to);
    return {};
  }
  Result<void> Remove(const std::string& path) override {
    if (!Works()) return Stopped(path);
    const bool file = fs::is_regular_file(path);
    if (file) undo_.push_back({"", path, Content(path)});
    Result<void> removed = PosixFileSystem::Remove(path);
    if (!removed && file) undo_.pop_back();
    return removed;
  }
  Result<void> SyncDirectory(const std::string& path) override {
    if (!Works()) return Stopped(path);
    names_.insert(path);
    std::erase_if(undo_,
                  [&](const Change& change) { return fs::path(change.to).parent_path() == path; });
    return {};
  }
  Result<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path) override {
    if (!Works()) return Stopped(path);
    synced_.try_emplace(path, Exists(path) ? fs::file_size(path) : 0);
    Result<std::unique_ptr<WritableFile>> file = PosixFileSystem::OpenWritable(path);
    if (!file) return file;
    return std::unique_ptr<WritableFile>(std::make_unique<FileOfIt>(*this, path, std::move(*file)));
  }

  bool stopped() const { return stopped_; }
  /// Another process on the same machine: what was not synced is not synced by that.
  void Restart() { left_ = std::numeric_limits<int>::max(); }
  /// Takes back what the machine had not brought to the disk.
  void LosePower(bool zeros) {
    for (; !undo_.empty(); undo_.pop_back()) {
      const Change& change = undo_.back();
      if (!change.from.empty()) Move(change.to, change.from);
      if (!change.content) continue;
      fs::create_directories(fs::path(change.to).parent_path());
      std::ofstream(change.to) << *change.content;
      synced_[change.to] = change.content->size();
    }
    for (const auto& [path, size] : synced_) {
      if (!fs::exists(path)) continue;
      const uint64_t written = fs::file_size(path);
      if (!names_.contains(fs::path(path).parent_path())) {
        fs::remove(path);
      } else if (written > size) {
        fs::resize_file(path, size);
        if (zeros) fs::resize_file(path, written);
      }
    }
  }

 private:
  /// What the disk does not have yet: a file was renamed, or removed where `from` is empty.
  struct Change {
    std::string from, to;
    std::optional<std::string> content;  // of what was at `to`
  };
  class FileOfIt final : public WritableFile {
   public:
    FileOfIt(CrashingFileSystem& owner, std::string path, std::unique_ptr<WritableFile> file)
        : owner_(owner), path_(std::move(path)), file_(std::move(file)) {}
    Result<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
      return file_->ReadAt(offset, out, size);
    }
    Result<FileStat> Stat() override { return file_->Stat(); }
    Result<void> LinkTo(const std::string& path) override { return file_->LinkTo(path); }
    Result<void> WriteAt(uint64_t offset, std::string_view bytes) override {
      if (owner_.Works()) return file_->WriteAt(offset, bytes);
      if (owner_.left_ == -1) {
        CHECK(file_->WriteAt(offset, bytes.substr(0, bytes.size() / 2)).ok());
      }
      return Stopped(path_);
    }
    Result<void> Truncate(uint64_t size) override {
      if (!owner_.Works()) return Stopped(path_);
      owner_.synced_[path_] = std::min(owner_.synced_[path_], size);
      return file_->Truncate(size);
    }
    Result<void> Sync() override {
      if (!owner_.Works()) return Stopped(path_);
      owner_.synced_[path_] = file_->Stat()->size;
      return {};
    }

   private:
    CrashingFileSystem& owner_;
    std::string path_;
    std::unique_ptr<WritableFile> file_;
  };

  bool Works() {
    if (left_ < 0 && once_) return true;
    stopped_ = left_-- <= 0;
    return !stopped_;
  }
  static std::optional<std::string> Content(const std::string& path) {
    if (!fs::exists(path)) return {};
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  void Move(const std::string& from, const std::string& to) {
    if (synced_.contains(from)) synced_[to] = synced_[from];
    synced_.erase(from);
    fs::rename(from, to);
  }
  static Error Stopped(const std::string& path) { return IoError("write", path, ENOSPC); }

  int left_;
  const bool once_;
  bool stopped_ = false;
  std::map<std::string, uint64_t> synced_;  // bytes, by path
  std::set<std::string> names_;             // directories that were synced
  std::vector<Change> undo_;
};

}  // namespace hinomi
