#include "shipper/source/segment.h"

#include <algorithm>

namespace hinomi {

bool Segment::FinalAt(Duration now) const {
  return superseded && now - superseded_at >= kSupersededGrace;
}

Result<Fingerprint> FingerprintOf(File& file, uint32_t bytes) {
  char head[Fingerprint::kBytesMax];
  const Result<size_t> count = file.ReadAt(0, head, std::min(bytes, Fingerprint::kBytesMax));
  if (!count) return count.error();
  return Fingerprint{static_cast<uint32_t>(*count), Hash64Of({head, *count})};
}

std::string_view LeadingTime(std::string_view line) {
  const size_t space = line.substr(0, 36).find(' ');
  if (space == std::string_view::npos || space < 20) return {};
  const std::string_view time = line.substr(0, space);
  const bool plausible = time[4] == '-' && time[7] == '-' && time[10] == 'T' && time[13] == ':' &&
                         time[16] == ':' && std::all_of(time.begin(), time.end(), [](char c) {
                           return (c >= '0' && c <= '9') ||
                                  std::string_view("-T:.Z+").find(c) != std::string_view::npos;
                         });
  return plausible ? time : std::string_view{};
}

Result<bool> Matches(File& file, const Fingerprint& fingerprint) {
  const Result<Fingerprint> now = FingerprintOf(file, fingerprint.bytes);
  if (!now) return now.error();
  return now->bytes == fingerprint.bytes && now->hash == fingerprint.hash;
}

}  // namespace hinomi
