#include "shipper/codec/cri.h"

#include "shipper/codec/cri_header.h"
#include "shipper/codec/line_decoder.h"

namespace hinomi {
namespace {

struct CriFormat {
  static constexpr bool kHeadFirst = true;

  static LineState Parse(std::string_view line, LineHead* head) {
    CriHeader header;
    const LineState state = ParseCriHeader(line, &header);
    if (state != LineState::kValid) return state;
    const std::string_view body = line.substr(header.bytes);
    *head = {header.time, header.stream, header.partial, body, body.size()};
    return state;
  }

  /// At `bytes_max`, or before the UTF-8 sequence that would be split.
  static BodyCut Cut(std::string_view body, size_t bytes_max) {
    size_t at = bytes_max;
    while (at > 1 && bytes_max - at < 3 && ContinuesSequence(body[at])) --at;
    if (ContinuesSequence(body[at])) at = bytes_max;
    return {at, at};
  }

  static void Decode(std::string_view body, std::string* out) { *out += body; }
};

}  // namespace

void DecodeCri(const Chunk& chunk, const DecodeLimits& limits, Decoded* out) {
  LineDecoder<CriFormat>(chunk, limits, out).Run();
}

}  // namespace hinomi
