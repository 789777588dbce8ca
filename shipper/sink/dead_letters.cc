#include "shipper/sink/dead_letters.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "base/logging.h"
#include "base/planted_bug.h"
#include "shipper/sink/dead_letter_format.h"
#include "shipper/sink/otlp_json.h"

namespace hinomi {

namespace {

constexpr uint64_t kFilesPerDirectory = 8;  // what is discarded at a time is an eighth of the limit
constexpr uint64_t kFileBytesMax = 8ull << 20;  // or this, however high the limit

uint64_t Total(const std::vector<DeadLetterFiles::Stored>& stored) {
  return std::accumulate(
      stored.begin(), stored.end(), uint64_t{0},
      [](uint64_t sum, const DeadLetterFiles::Stored& file) { return sum + file.bytes; });
}

}  // namespace

DeadLetters::DeadLetters(DeadLettersOptions options, Parts parts)
    : options_(std::move(options)),
      file_system_(parts.files),
      files_(parts.files, options_.directory),
      clock_(parts.clock),
      bytes_(parts.metrics.GaugeOf("hinomi_dead_letters_bytes", "Bytes of dead letters on disk.")),
      discarded_(
          parts.metrics.CounterOf("hinomi_dead_letters_discarded_total",
                                  "Dead letters discarded because their directory was full.")) {
  parts.metrics
      .GaugeOf("hinomi_dead_letters_bytes_max", "What they may be; beyond it the oldest go.")
      .Set(static_cast<double>(options_.bytes_max));
}

Result<void> DeadLetters::Append(const Batch& batch, const Refuser& refuser) {
  if (batch.rejections.empty() || PlantedBug(Bug::kDeadLetterNotWritten)) return {};
  const std::string lines = Lines(batch, refuser);
  const std::lock_guard guard(mutex_);
  // Also one that is there: its name may not be on the disk yet.
  if (current_ == 0 || !file_system_.Exists(options_.directory)) {
    if (auto made = file_system_.MakePrivateDirectory(options_.directory); !made) return made;
  }
  const Result<std::unique_ptr<FileLock>> lock = files_.Lock();
  if (!lock) return lock.error();
  Result<Stored> stored = files_.List();
  if (!stored) return stored.error();
  if (auto written = Write(lines, &*stored); !written) return written;
  while (Total(*stored) > options_.bytes_max && stored->size() > 1) {
    if (auto discarded = DiscardOldest(&*stored); !discarded) {
      log::Warn("{}; the dead letters take more than their limit", discarded.error().message);
      break;
    }
  }
  Measure(*stored);
  return {};
}

void DeadLetters::Look() {
  if (const Result<Stored> stored = files_.List()) Measure(*stored);
}

void DeadLetters::Measure(const Stored& stored) { bytes_.Set(static_cast<double>(Total(stored))); }

std::string DeadLetters::Lines(const Batch& batch, const Refuser& refuser) const {
  DeadLetter letter;
  letter.time = DeadLetterTime(clock_.Wall());
  letter.sink = refuser.sink;
  letter.route = refuser.route;
  letter.format = ToString(refuser.format);
  std::string lines;
  for (const Rejection& rejection : batch.rejections) {
    const BatchRecord& record = batch.records.at(rejection.record);
    const Slice& slice = batch.slices.at(record.slice);
    CHECK(record.begin <= record.end && record.end <= batch.bytes.size());
    letter.type = rejection.type;
    letter.reason = rejection.reason;
    letter.origin = slice.origin != nullptr ? *slice.origin : Origin();
    letter.ranges = RangesBetween(slice, record.source, record.source_end);
    letter.record = batch.bytes.substr(record.begin, record.end - record.begin);
    if (refuser.format == RecordFormat::kOtlp) {
      letter.encoded = batch.bytes.substr(slice.head_begin, slice.head_end - slice.head_begin);
      letter.encoded += letter.record;
      letter.record = OtlpJson(batch, rejection.record);
    }
    lines += EncodeDeadLetter(letter);
  }
  return lines;
}

Result<void> DeadLetters::Write(std::string_view lines, Stored* stored) {
  const uint64_t file_bytes_max = std::min(options_.bytes_max / kFilesPerDirectory, kFileBytesMax);
  const bool fits = !stored->empty() && stored->back().number == current_ &&
                    stored->back().bytes + lines.size() <= file_bytes_max;
  if (!fits) {
    // A new one for each run: a line that a crash has torn stays where it is.
    current_ = std::max(current_, stored->empty() ? 0 : stored->back().number) + 1;
    stored->push_back({current_, 0});
  }
  uint64_t& bytes = stored->back().bytes;
  if (const Result<void> written = files_.Append(current_, bytes, lines); !written) {
    // Half of it would be there twice after the next try. If this fails too, it is: nothing is
    // lost.
    if (!files_.Truncate(current_, bytes)) current_ = 0;
    return written;
  }
  bytes += lines.size();
  return {};
}

Result<void> DeadLetters::DiscardOldest(Stored* stored) {
  const DeadLetterFiles::Stored oldest = stored->front();
  uint64_t records = 0;
  const Result<void> counted =
      files_.Read(oldest.number, {0, oldest.bytes}, [&](std::string_view, uint64_t) {
        ++records;
        return true;
      });
  if (auto removed = files_.Remove(oldest.number); !removed) return removed;
  stored->erase(stored->begin());
  discarded_.Add(static_cast<double>(records));
  log::Error("discarded {} dead letters ({}): their directory is full{}", records,
             files_.PathOf(oldest.number), counted ? "" : "; not all of them could be counted");
  return {};
}

}  // namespace hinomi
