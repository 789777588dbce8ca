// A gzip file read as if it were not compressed. ISA-L stays behind this file.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

#include "base/filesystem.h"

namespace hinomi {

class GunzipFile;

/// Where files are in their decompression. Each place costs some 90 KiB, so only so many are kept;
/// a file that has lost its place begins anew. Any thread.
class GunzipCursors {
 public:
  explicit GunzipCursors(size_t cursors_max);
  ~GunzipCursors();

 private:
  friend class GunzipFile;
  struct Cursor;

  /// Reads at `offset` of what `file` holds once it is decompressed.
  Result<size_t> ReadAt(GunzipFile& file, uint64_t offset, char* out, size_t size);
  void Forget(const GunzipFile& file);
  Cursor& CursorFor(GunzipFile& file, uint64_t offset);

  const size_t cursors_max_;
  std::mutex mutex_;
  std::list<std::unique_ptr<Cursor>> cursors_;  // the one used last in front
};

/// One gzip member (RFC 1952), as the kubelet and docker write them. Offsets and sizes are those of
/// the content. Cheap to read onwards; going back begins anew.
class GunzipFile final : public File {
 public:
  /// Error corrupt when `file` is no whole gzip member as far as can be told without reading it
  /// all; io. `cursors` must outlive it.
  static Result<std::unique_ptr<GunzipFile>> Open(std::shared_ptr<File> file,
                                                  GunzipCursors& cursors);
  ~GunzipFile() override;

  /// Errors: io; corrupt, where the member is damaged.
  Result<size_t> ReadAt(uint64_t offset, char* out, size_t size) override;
  /// Of the compressed file, but with the content's size.
  Result<FileStat> Stat() override;
  Result<void> LinkTo(const std::string& path) override { return file_->LinkTo(path); }

 private:
  friend class GunzipCursors;
  GunzipFile(std::shared_ptr<File> file, GunzipCursors& cursors, uint64_t size)
      : file_(std::move(file)), cursors_(cursors), size_(size) {}

  const std::shared_ptr<File> file_;
  GunzipCursors& cursors_;
  uint64_t size_;
};

}  // namespace hinomi
