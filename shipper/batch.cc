#include "shipper/batch.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace hinomi {

std::string_view ToString(DropReason reason) {
  switch (reason) {
    case DropReason::kCorrupt:
      return "corrupt";
    case DropReason::kRejected:
      return "rejected";
    case DropReason::kRateLimited:
      return "rate_limited";
    case DropReason::kBeforeSince:
      return "before_since";
    case DropReason::kNoRoute:
      return "no_route";
    case DropReason::kRouteRemoved:
      return "route_removed";
    case DropReason::kLevel:
      return "level";
  }
  CheckFailed(__FILE__, __LINE__, "a DropReason");
}

uint64_t Drops::bytes() const {
  uint64_t sum = 0;
  for (const Dropped& dropped : by_reason_) sum += dropped.bytes;
  return sum;
}

void Decoded::Clear() {
  records.clear();
  consumed = {};
  after = {};
  has_open = false;
  open_end = {};
  corrupt_bytes = 0;
  corrupt_lines = 0;
  arena.clear();
}

std::string_view ToString(LossReason reason) {
  switch (reason) {
    case LossReason::kTruncated:
      return "truncated";
    case LossReason::kVanished:
      return "vanished";
    case LossReason::kLate:
      return "late";
    case LossReason::kUnknown:
      return "unknown";
    case LossReason::kEscrowFull:
      return "escrow_full";
    case LossReason::kUnreadable:
      return "unreadable";
  }
  return "";
}

uint64_t SettledBytes::DroppedTotal() const {
  return std::accumulate(dropped.begin(), dropped.end(), uint64_t{0});
}

uint64_t SettledBytes::LostTotal() const {
  return std::accumulate(lost.begin(), lost.end(), uint64_t{0});
}

SettledBytes& SettledBytes::operator+=(const SettledBytes& more) {
  acknowledged += more.acknowledged;
  for (size_t i = 0; i < kDropReasons; ++i) dropped[i] += more.dropped[i];
  for (size_t i = 0; i < kLossReasons; ++i) lost[i] += more.lost[i];
  return *this;
}

std::vector<SegmentRange> RangesBetween(const Slice& slice, const Position& from,
                                        const Position& to) {
  std::vector<SegmentRange> between;
  for (SegmentRange range : slice.ranges) {
    if (range.segment < from.segment || range.segment > to.segment) continue;
    if (range.segment == from.segment) range.begin = std::max(range.begin, from.offset);
    if (range.segment == to.segment) range.end = std::min(range.end, to.offset);
    if (range.begin < range.end) between.push_back(range);
  }
  return between;
}

void Batch::Clear() {
  bytes.clear();
  records.clear();
  slices.clear();
  rejections.clear();
  route = 0;
  number = 0;
  attempts = 0;
  pending_before = 0;
  charged_bytes = 0;
}

}  // namespace hinomi
