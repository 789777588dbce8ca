#include "bench/race/kubelet_log.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace hinomi::race {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Throw(const char* verb, const fs::path& path) {
  throw std::system_error(errno, std::system_category(),
                          fmt::format("cannot {} \"{}\"", verb, path.string()));
}

int Open(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (descriptor < 0) Throw("open", path);
  return descriptor;
}

/// The rotated files of a log, oldest first.
std::vector<fs::path> RotatedFiles(const fs::path& path) {
  std::vector<fs::path> files;
  const std::string prefix = path.filename().string() + ".";
  for (const auto& entry : fs::directory_iterator(path.parent_path())) {
    if (entry.path().filename().string().starts_with(prefix)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void CompressFile(const fs::path& plain, GzipCompressor& gzip) {
  const fs::path temporary = plain.string() + ".tmp";
  std::ifstream in(plain, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::array<std::string_view, 1> parts = {bytes};
  std::ofstream(temporary, std::ios::binary) << gzip.Compress(parts);
  fs::rename(temporary, plain.string() + ".gz");
  fs::remove(plain);
}

}  // namespace

KubeletLog::KubeletLog(fs::path path) : path_(std::move(path)) {
  fs::create_directories(path_.parent_path());
  descriptor_ = Open(path_);
}

KubeletLog::~KubeletLog() {
  if (descriptor_ >= 0) close(descriptor_);
}

KubeletLog::KubeletLog(KubeletLog&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      bytes_(other.bytes_),
      bytes_in_file_(other.bytes_in_file_),
      rotated_(other.rotated_) {}

void KubeletLog::Append(std::string_view lines) {
  bytes_ += lines.size();
  bytes_in_file_ += lines.size();
  while (!lines.empty()) {
    const ssize_t bytes = write(descriptor_, lines.data(), lines.size());
    if (bytes < 0 && errno != EINTR) Throw("write to", path_);
    lines.remove_prefix(static_cast<size_t>(std::max<ssize_t>(bytes, 0)));
  }
}

void KubeletLog::Rotate(const Limits& limits, std::time_t now, GzipCompressor& gzip) {
  if (rotated_ || bytes_in_file_ < limits.bytes_max) return;
  std::vector<fs::path> files = RotatedFiles(path_);
  // One place is for the current file, one for what it becomes now.
  const auto keep = static_cast<size_t>(std::max(limits.files_max - 2, 0));
  const size_t excess = files.size() - std::min(files.size(), keep);
  for (size_t i = 0; i < files.size(); ++i) {
    if (i < excess) {
      fs::remove(files[i]);
    } else if (files[i].extension() != ".gz") {
      CompressFile(files[i], gzip);
    }
  }
  const std::string stamp = fmt::format("{:%Y%m%d-%H%M%S}", fmt::gmtime(now));
  fs::rename(path_, path_.string() + "." + stamp);
  rotated_ = true;
}

void KubeletLog::Reopen() {
  if (!rotated_) return;
  close(descriptor_);
  descriptor_ = Open(path_);
  bytes_in_file_ = 0;
  rotated_ = false;
}

}  // namespace hinomi::race
