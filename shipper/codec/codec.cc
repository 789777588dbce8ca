#include "shipper/codec/codec.h"

#include "shipper/codec/cri.h"
#include "shipper/codec/json_file.h"

namespace hinomi {

void Decode(LogFormat format, const Chunk& chunk, const DecodeLimits& limits, Decoded* out) {
  if (format == LogFormat::kJsonFile) return DecodeJsonFile(chunk, limits, out);
  DecodeCri(chunk, limits, out);
}

}  // namespace hinomi
