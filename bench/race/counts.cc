#include "bench/race/counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <functional>

namespace hinomi::race {
namespace {

constexpr int kStepBits = 4;  // sixteen steps for each power of two: at most 6 % wrong
constexpr uint64_t kSteps = 1 << kStepBits;

size_t BucketOf(uint64_t microseconds) {
  if (microseconds < kSteps) return microseconds;
  const int shift = std::bit_width(microseconds) - kStepBits - 1;
  return (static_cast<size_t>(shift) << kStepBits) + (microseconds >> shift);
}

/// The smallest value that lies beyond the bucket.
double UpperBoundOf(size_t bucket) {
  if (bucket < kSteps) return static_cast<double>(bucket + 1);
  const size_t shift = (bucket >> kStepBits) - 1;
  return std::ldexp(static_cast<double>((bucket & (kSteps - 1)) + kSteps + 1),
                    static_cast<int>(shift));
}

}  // namespace

bool Counts::AddDocument(std::string_view document, std::string_view id,
                         uint64_t now_microseconds) {
  ++documents_;
  last_arrival_microseconds_ = now_microseconds;
  const auto mark = FindMark(document);
  if (!mark) {
    ++broken_;
    return true;
  }
  Pod& pod = PodOf(mark->pod);
  if (mark->sequence >= pod.seen.size()) pod.seen.resize(mark->sequence + 1);
  uint32_t& seen = pod.seen[mark->sequence];
  const auto told_by = static_cast<uint32_t>(std::hash<std::string_view>()(id)) | 1;
  if (seen != 0) {
    const bool again = !id.empty() && seen == told_by;
    repeated_ += again ? 1 : 0;
    return !again;
  }
  seen = told_by;
  ++pod.distinct;
  ++distinct_;
  AddLatency(now_microseconds - std::min(now_microseconds, mark->written_microseconds));
  return true;
}

void Counts::AddRequest(size_t bytes) {
  ++requests_;
  wire_bytes_ += bytes;
}

bool Counts::SetWritten(std::string_view summary) {
  while (!summary.empty()) {
    uint64_t number = 0;
    uint64_t written = 0;
    const char* end = summary.data() + summary.size();
    const auto pod = std::from_chars(summary.data(), end, number);
    if (pod.ec != std::errc() || pod.ptr == end || number >= kPodsMax) return false;
    const auto lines = std::from_chars(pod.ptr + 1, end, written);
    if (lines.ec != std::errc() || written > kSequencesMax) return false;
    PodOf(number).written = written;
    summary.remove_prefix(std::min(summary.find('\n'), summary.size() - 1) + 1);
  }
  return true;
}

uint64_t Counts::lost() const {
  uint64_t lost = 0;
  for (const Pod& pod : pods_) {
    lost += std::max<uint64_t>(pod.written, pod.seen.size()) - pod.distinct;
  }
  return lost;
}

double Counts::LatencyMilliseconds(double share) const {
  const auto wanted =
      static_cast<uint64_t>(std::ceil(share * static_cast<double>(latencies_count_)));
  uint64_t below = 0;
  for (size_t bucket = 0; bucket < latencies_.size(); ++bucket) {
    below += latencies_[bucket];
    if (below > 0 && below >= wanted) return UpperBoundOf(bucket) / 1000;
  }
  return 0;
}

std::string Counts::ToJson() const {
  return fmt::format(
      R"({{"requests":{},"documents":{},"distinct":{},"lost":{},"duplicated":{},"broken":{},)"
      R"("repeated":{},"wire_bytes":{},"last_arrival":{:.6f},"p50_ms":{:.1f},"p99_ms":{:.1f}}})",
      requests_, documents_, distinct_, lost(), duplicated(), broken_, repeated_, wire_bytes_,
      static_cast<double>(last_arrival_microseconds_) / 1e6, LatencyMilliseconds(0.5),
      LatencyMilliseconds(0.99));
}

Counts::Pod& Counts::PodOf(uint64_t number) {
  if (number >= pods_.size()) pods_.resize(number + 1);
  return pods_[number];
}

void Counts::AddLatency(uint64_t microseconds) {
  ++latencies_[BucketOf(microseconds)];
  ++latencies_count_;
}

}  // namespace hinomi::race
