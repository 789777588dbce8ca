// The log format of containerd and CRI-O:
//
//   <RFC 3339 time> <stdout|stderr> <tags> <body>\n      tags begin with P (more of this record
//   follows) or F (its end)
#pragma once

#include "shipper/codec/codec.h"

namespace hinomi {

/// Decode for that format.
void DecodeCri(const Chunk& chunk, const DecodeLimits& limits, Decoded* out);

}  // namespace hinomi
