#include "shipper/codec/cri_header.h"

#include "base/rfc3339.h"

namespace hinomi {
namespace {

constexpr size_t kStreamBytes = 7;  // with the space behind it

}  // namespace

LineState ParseCriHeader(std::string_view line, CriHeader* header) {
  const size_t time_bytes = line.substr(0, kRfc3339BytesMax + 1).find(' ', 0);
  if (time_bytes == std::string_view::npos) {
    return line.size() > kRfc3339BytesMax ? LineState::kInvalid : LineState::kIncomplete;
  }
  header->time = line.substr(0, time_bytes);
  if (!IsRfc3339(header->time)) return LineState::kInvalid;

  std::string_view rest = line.substr(time_bytes + 1);
  if (rest.starts_with("stdout ")) {
    header->stream = Stream::kStdout;
  } else if (rest.starts_with("stderr ")) {
    header->stream = Stream::kStderr;
  } else {
    return rest.size() < kStreamBytes ? LineState::kIncomplete : LineState::kInvalid;
  }
  rest.remove_prefix(kStreamBytes);

  if (rest.size() < 2) return LineState::kIncomplete;
  if (rest[0] != 'P' && rest[0] != 'F') return LineState::kInvalid;
  if (rest[1] != ' ' && rest[1] != ':') return LineState::kInvalid;
  header->partial = rest[0] == 'P';
  const size_t tag_bytes = rest[1] == ' ' ? 1 : rest.find(' ');
  if (tag_bytes == std::string_view::npos) return LineState::kIncomplete;
  header->bytes = static_cast<uint32_t>(time_bytes + 1 + kStreamBytes + tag_bytes + 1);
  return LineState::kValid;
}

}  // namespace hinomi
