// The log format of containerd and CRI-O: bytes of files in, records out.
//
//   <RFC 3339 time> <stdout|stderr> <tags> <body>\n      tags begin with P (more of this record
//   follows) or F (its end)
//
// Knows nothing of files, Kubernetes or sinks. Keeps nothing between two calls: what is not
// consumed is given again.
#pragma once

#include <cstdint>

#include "shipper/batch.h"

namespace hinomi {

struct CriLimits {
  uint64_t record_bytes_max = 256 << 10;  // of a record's body, at least 1
};

/// Decodes `chunk` into `out`, whose contents are replaced and whose memory is reused. Never fails:
/// lines that are not of the format are counted as corrupt and skipped. The records' views point
/// into the chunk or into out->arena.
///
/// - Records come in the order in which they complete. `P` parts are joined per stream, over the
/// end of a segment too.
///   Everything up to `consumed` belongs to exactly one record or to a corrupt line, so
///   sum(source_bytes) + corrupt_bytes is the length of what was consumed.
/// - A record beyond the limit is cut before the part that does not fit. A physical line beyond it
/// is emitted in
///   pieces, not within a UTF-8 sequence, and its tag is then ignored: where it ends, the record
///   ends. Where the cuts are depends on the bytes alone and not on the chunk, except for the next
///   two.
/// - If the chunk is full and nothing in it can be consumed, what is open at its end is taken as it
/// is, marked cut; a
///   line with no valid header in sight is skipped.
/// - If close_open is set and the chunk is not full, the same is done with what is open, except
/// that a line
///   whose header is not complete stays open.
/// - A record's `boundary` also says that no continuation holds at its end.
/// Threads: any, one `out` each.
void DecodeCri(const Chunk& chunk, const CriLimits& limits, Decoded* out);

}  // namespace hinomi
