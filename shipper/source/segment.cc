#include "shipper/source/segment.h"

#include <algorithm>

#include "base/planted_bug.h"

namespace hinomi {
namespace {

// docker splits lines at 16 KiB, and an escape can make six bytes of one.
constexpr size_t kFirstLineBytesMax = 128 << 10;
constexpr size_t kTimeBytesMax = 35;

bool IsPlausibleTime(std::string_view time) {
  return time.size() >= 20 && time.size() <= kTimeBytesMax && time[4] == '-' && time[7] == '-' &&
         time[10] == 'T' && time[13] == ':' && time[16] == ':' &&
         std::all_of(time.begin(), time.end(), [](char c) {
           return (c >= '0' && c <= '9') ||
                  std::string_view("-T:.Z+").find(c) != std::string_view::npos;
         });
}

}  // namespace

bool Segment::FinalAt(Duration now) const {
  if (PlantedBug(Bug::kNoGraceAfterRotation)) return superseded;
  return superseded && now - superseded_at >= kSupersededGrace;
}

void Segment::GiveUp(LossReason reason, Duration now, uint64_t from) {
  if (gone) return;
  gone = reason;
  gone_from = from;
  gone_at = now;
}

Result<Fingerprint> FingerprintOf(File& file, uint32_t bytes) {
  char head[Fingerprint::kBytesMax];
  const Result<size_t> count = file.ReadAt(0, head, std::min(bytes, Fingerprint::kBytesMax));
  if (!count) return count.error();
  return Fingerprint{static_cast<uint32_t>(*count), Hash64Of({head, *count})};
}

Result<std::string> ReadHead(File& file, LogFormat format) {
  std::string head(Fingerprint::kBytesMax, '\0');
  while (true) {
    const Result<size_t> count = file.ReadAt(0, head.data(), head.size());
    if (!count) return count.error();
    const bool enough = format == LogFormat::kCri || head.size() == kFirstLineBytesMax ||
                        *count < head.size() || head.find('\n') != std::string::npos;
    if (!enough) {
      head.resize(kFirstLineBytesMax);
      continue;
    }
    head.resize(*count);
    return head;
  }
}

std::string_view LeadingTime(std::string_view head, LogFormat format) {
  std::string_view time;
  if (format == LogFormat::kJsonFile) {
    constexpr std::string_view kMember = "\"time\":\"";
    const std::string_view line = head.substr(0, head.find('\n'));
    const size_t at = line.rfind(kMember);
    if (line.size() == head.size() || at == std::string_view::npos) return {};
    time = line.substr(at + kMember.size());
    time = time.substr(0, time.find('"'));
  } else {
    const size_t space = head.substr(0, kTimeBytesMax + 1).find(' ');
    if (space == std::string_view::npos) return {};
    time = head.substr(0, space);
  }
  return IsPlausibleTime(time) ? time : std::string_view{};
}

Result<bool> Matches(File& file, const Fingerprint& fingerprint) {
  if (fingerprint.bytes == 0) return true;
  const Result<Fingerprint> now = FingerprintOf(file, fingerprint.bytes);
  if (!now) return now.error();
  return now->bytes == fingerprint.bytes && now->hash == fingerprint.hash;
}

Result<bool> MatchAndExtend(File& file, Fingerprint* fingerprint) {
  if (fingerprint->bytes == 0) return true;
  char head[Fingerprint::kBytesMax];
  const Result<size_t> count = file.ReadAt(0, head, sizeof head);
  if (!count) return count.error();
  if (*count < fingerprint->bytes) return false;
  if (Hash64Of({head, fingerprint->bytes}) != fingerprint->hash) return false;
  *fingerprint = {static_cast<uint32_t>(*count), Hash64Of({head, *count})};
  return true;
}

}  // namespace hinomi
