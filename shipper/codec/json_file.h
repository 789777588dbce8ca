// The log format of docker's driver json-file:
//
//   {"log":"<body>","stream":"<stdout|stderr>","attrs":{...},"time":"<RFC 3339 time>"}\n
//
// with the body's escapes decoded. A body ends with a line feed; docker splits a longer line at 16
// KiB, and a body without one is a part whose record goes on in the stream's next line. `attrs` may
// be missing and is not read. Members may come in any order, without white space between them.
// Source: moby, daemon/logger/jsonfilelog/jsonlog and daemon/logger/copier.go.
#pragma once

#include "shipper/codec/codec.h"

namespace hinomi {

/// Decode for that format.
void DecodeJsonFile(const Chunk& chunk, const DecodeLimits& limits, Decoded* out);

}  // namespace hinomi
