#include "shipper/sink/dead_letters.h"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>

#include "base/check.h"
#include "base/logging.h"
#include "base/planted_bug.h"
#include "shipper/sink/json_text.h"

namespace hinomi {

namespace {

constexpr uint64_t kFilesPerDirectory = 8;  // what is discarded at a time is an eighth of the limit
constexpr std::string_view kExtension = ".ndjson";

std::string NameOf(uint64_t number) { return fmt::format("{:06}{}", number, kExtension); }

// The number of a file that NameOf named; 0 for any other.
uint64_t NumberOf(std::string_view name) {
  if (!name.ends_with(kExtension)) return 0;
  const std::string_view digits = name.substr(0, name.size() - kExtension.size());
  uint64_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return parsed.ptr == digits.data() + digits.size() && parsed.ec == std::errc() ? number : 0;
}

std::string Timestamp(Duration wall) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(wall);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(wall - seconds).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<time_t>(seconds.count())), milliseconds);
}

}  // namespace

bool IsDeadLetterFile(std::string_view name) { return NumberOf(name) != 0; }

DeadLetters::DeadLetters(DeadLettersOptions options, Parts parts)
    : options_(std::move(options)),
      files_(parts.files),
      clock_(parts.clock),
      bytes_(parts.metrics.GaugeOf("hinomi_dead_letters_bytes", "Bytes of dead letters on disk.")),
      discarded_(
          parts.metrics.CounterOf("hinomi_dead_letters_discarded_total",
                                  "Dead letters discarded because their directory was full.")) {}

Result<void> DeadLetters::Append(const Batch& batch, std::string_view sink,
                                 std::string_view route) {
  if (batch.rejections.empty() || PlantedBug(Bug::kDeadLetterNotWritten)) return {};
  const std::string lines = Lines(batch, sink, route);
  const std::lock_guard lock(mutex_);
  if (auto opened = Open(); !opened) return opened;
  if (auto written = Write(lines); !written) return written;
  while (total_bytes_ > options_.bytes_max && stored_.size() > 1) {
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
    const std::string_view encoded(batch.bytes.data() + record.begin, record.end - record.begin);
    const std::string_view shown = rejection.shown.empty() ? encoded : rejection.shown;
    lines +=
        fmt::format(R"(,"segment":{},"offset":{},"bytes":{},"record":{}}})", record.source.segment,
                    record.source.offset, record.source_bytes, JsonString(shown));
    lines += '\n';
  }
  return lines;
}

std::string DeadLetters::PathOf(const StoredFile& file) const {
  return options_.directory + "/" + NameOf(file.number);
}

Result<void> DeadLetters::Open() {
  if (open_) return {};
  if (auto made = files_.MakePrivateDirectory(options_.directory); !made) return made;
  const Result<std::vector<DirectoryEntry>> listed = files_.List(options_.directory, "");
  if (!listed) return listed.error();
  stored_.clear();
  total_bytes_ = 0;
  for (const DirectoryEntry& entry : *listed) {
    const uint64_t number = NumberOf(entry.name);
    if (number == 0) continue;
    const Result<FileStat> stat = files_.Stat(options_.directory, entry.name);
    if (!stat) return stat.error();
    stored_.push_back({number, stat->size});
    total_bytes_ += stat->size;
  }
  std::sort(stored_.begin(), stored_.end(),
            [](const StoredFile& a, const StoredFile& b) { return a.number < b.number; });
  // A new file for each run: a line that a crash has torn stays where it is.
  stored_.push_back({stored_.empty() ? 1 : stored_.back().number + 1, 0});
  open_ = true;
  return {};
}

Result<void> DeadLetters::Write(std::string_view lines) {
  const uint64_t file_bytes_max = options_.bytes_max / kFilesPerDirectory;
  if (stored_.back().bytes > 0 && stored_.back().bytes + lines.size() > file_bytes_max) {
    stored_.push_back({stored_.back().number + 1, 0});
  }
  StoredFile& current = stored_.back();
  const Result<std::unique_ptr<WritableFile>> file = files_.OpenWritable(PathOf(current));
  if (!file) return file.error();
  Result<void> written = (*file)->WriteAt(current.bytes, lines);
  if (written) written = (*file)->Sync();
  if (written && current.bytes == 0) written = files_.SyncDirectory(options_.directory);
  if (!written) {
    // Half of it would be there twice after the next try. If this fails too, it is: nothing is
    // lost.
    if (!(*file)->Truncate(current.bytes)) stored_.push_back({current.number + 1, 0});
    return written;
  }
  current.bytes += lines.size();
  total_bytes_ += lines.size();
  return {};
}

Result<void> DeadLetters::DiscardOldest() {
  const StoredFile oldest = stored_.front();
  const std::string path = PathOf(oldest);
  const uint64_t records = LinesOf(oldest);
  const Result<void> removed = files_.Remove(path);
  if (!removed && removed.error().code != ENOENT) return removed;
  stored_.pop_front();
  total_bytes_ -= oldest.bytes;
  discarded_.Add(static_cast<double>(records));
  log::Error("discarded {} dead letters ({}): their directory is full", records, path);
  return {};
}

uint64_t DeadLetters::LinesOf(const StoredFile& file) const {
  const Result<std::unique_ptr<File>> opened = files_.Open(options_.directory, NameOf(file.number));
  uint64_t lines = 0;
  std::string block(64 << 10, '\0');
  for (uint64_t offset = 0; opened;) {
    const Result<size_t> count = (*opened)->ReadAt(offset, block.data(), block.size());
    if (!count || *count == 0) break;
    lines += static_cast<uint64_t>(std::count(block.data(), block.data() + *count, '\n'));
    offset += *count;
  }
  return lines;
}

}  // namespace hinomi
