#include "shipper/sink/dead_letters.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "base/logging.h"
#include "shipper/sink/json_text.h"

namespace hinomi {

namespace {

constexpr uint64_t kFilesPerDirectory = 8;  // what is discarded at a time is an eighth of the limit
constexpr std::string_view kExtension = ".ndjson";

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

bool WriteAll(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

bool SyncDirectory(const std::string& path) {
  const Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return directory.get() >= 0 && fsync(directory.get()) == 0;
}

std::string Timestamp(Duration wall) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(wall);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(wall - seconds).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<time_t>(seconds.count())), milliseconds);
}

uint64_t CountLines(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return static_cast<uint64_t>(
      std::count(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>(), '\n'));
}

}  // namespace

DeadLetters::DeadLetters(DeadLettersOptions options, const Clock& clock, Metrics& metrics)
    : options_(std::move(options)),
      clock_(clock),
      bytes_(metrics.GaugeOf("hinomi_dead_letters_bytes", "Bytes of dead letters on disk.")),
      discarded_(metrics.CounterOf("hinomi_dead_letters_discarded_total",
                                   "Dead letters discarded because their directory was full.")) {}

Result<void> DeadLetters::Append(const Batch& batch, std::string_view sink,
                                 std::string_view route) {
  if (batch.rejections.empty()) return {};
  const std::string lines = Lines(batch, sink, route);
  const std::lock_guard lock(mutex_);
  if (auto opened = Open(); !opened) return opened;
  if (auto written = Write(lines); !written) return written;
  while (total_bytes_ > options_.bytes_max && files_.size() > 1) {
    if (auto discarded = DiscardOldest(); !discarded) {
      log::Warn("{}; the dead letters take more than their limit", discarded.error().message);
      break;
    }
  }
  bytes_.Set(static_cast<double>(total_bytes_));
  return {};
}

std::string DeadLetters::Lines(const Batch& batch, std::string_view sink,
                               std::string_view route) const {
  const std::string time = Timestamp(clock_.Wall());
  std::string lines;
  for (const Rejection& rejection : batch.rejections) {
    const BatchRecord& record = batch.records.at(rejection.record);
    const Slice& slice = batch.slices.at(record.slice);
    CHECK(record.begin <= record.end && record.end <= batch.bytes.size());
    lines += fmt::format(R"({{"time":"{}","sink":{},"route":{},"type":{},"reason":{})", time,
                         JsonString(sink), JsonString(route), JsonString(rejection.type),
                         JsonString(rejection.reason));
    if (slice.origin != nullptr) {
      const PodInfo& pod = slice.origin->pod;
      lines += fmt::format(R"(,"namespace":{},"pod":{},"pod_uid":{},"container":{},"log":{})",
                           JsonString(pod.namespace_name), JsonString(pod.pod_name),
                           JsonString(pod.pod_uid), JsonString(pod.container_name),
                           JsonString(slice.origin->path));
    }
    const std::string_view bytes(batch.bytes.data() + record.begin, record.end - record.begin);
    lines +=
        fmt::format(R"(,"segment":{},"offset":{},"bytes":{},"record":{}}})", record.source.segment,
                    record.source.offset, record.source_bytes, JsonString(bytes));
    lines += '\n';
  }
  return lines;
}

std::string DeadLetters::PathOf(uint64_t number) const {
  return fmt::format("{}/{:06}{}", options_.directory, number, kExtension);
}

Result<void> DeadLetters::Open() {
  if (open_) return {};
  if (mkdir(options_.directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return IoError("make the directory", options_.directory, errno);
  }
  files_.clear();
  total_bytes_ = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory, error)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(kExtension)) continue;
    const std::string_view digits =
        std::string_view(name).substr(0, name.size() - kExtension.size());
    uint64_t number = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) continue;
    std::error_code unreadable;
    const uint64_t bytes = entry.file_size(unreadable);
    if (unreadable) continue;
    files_.push_back({number, bytes});
    total_bytes_ += bytes;
  }
  if (error) return IoError("list", options_.directory, error.value());
  std::sort(files_.begin(), files_.end(),
            [](const StoredFile& a, const StoredFile& b) { return a.number < b.number; });
  // A new file for each run: a line that a crash has torn stays where it is.
  files_.push_back({files_.empty() ? 1 : files_.back().number + 1, 0});
  open_ = true;
  return {};
}

Result<void> DeadLetters::Write(std::string_view lines) {
  const uint64_t file_bytes_max = options_.bytes_max / kFilesPerDirectory;
  if (files_.back().bytes > 0 && files_.back().bytes + lines.size() > file_bytes_max) {
    files_.push_back({files_.back().number + 1, 0});
  }
  StoredFile& current = files_.back();
  const std::string path = PathOf(current.number);
  const Descriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return IoError("open", path, errno);
  const bool is_new = current.bytes == 0;
  if (!WriteAll(file.get(), lines) || fsync(file.get()) != 0 ||
      (is_new && !SyncDirectory(options_.directory))) {
    const Error error = IoError("write the dead letters to", path, errno);
    // Half of it would be there twice after the next try. If this fails too, it is: nothing is
    // lost.
    if (ftruncate(file.get(), static_cast<off_t>(current.bytes)) != 0) {
      files_.push_back({current.number + 1, 0});
    }
    return error;
  }
  current.bytes += lines.size();
  total_bytes_ += lines.size();
  return {};
}

Result<void> DeadLetters::DiscardOldest() {
  const StoredFile oldest = files_.front();
  const std::string path = PathOf(oldest.number);
  const uint64_t records = CountLines(path);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return IoError("remove", path, errno);
  files_.pop_front();
  total_bytes_ -= oldest.bytes;
  discarded_.Add(static_cast<double>(records));
  log::Error("discarded {} dead letters ({}): their directory is full", records, path);
  return {};
}

}  // namespace hinomi
