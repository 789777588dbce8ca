// Log formats: bytes of files in, records out. Knows nothing of files, Kubernetes or sinks. Keeps
// nothing between two calls: what is not consumed is given again.
#pragma once

#include <cstdint>

#include "shipper/batch.h"

namespace hinomi {

struct DecodeLimits {
  uint64_t record_bytes_max = 256 << 10;  // of a record's body; a character must fit: at least 4
};

/// Decodes `chunk` into `out`, whose contents are replaced and whose memory is reused. Never fails:
/// lines that are not of the format are counted as corrupt and skipped. The records' views point
/// into the chunk or into out->arena.
///
/// - Records come in the order in which they complete. The parts of one are joined per stream, over
/// the end of a segment too.
///   Everything up to `consumed` belongs to exactly one record or to a corrupt line, so
///   sum(source_bytes) + corrupt_bytes is the length of what was consumed.
/// - A record beyond the limit is cut before the part that does not fit. A physical line beyond it
/// is emitted in
///   pieces, not within a UTF-8 sequence or an escape, and whether its record goes on is then
///   ignored: where it ends, the record ends. Where the cuts are depends on the bytes alone and not
///   on the chunk, except for the next two.
/// - If the chunk is full and nothing in it can be consumed, what is open at its end is taken as it
/// is, marked cut; a
///   line that has no valid header in sight, or needs its end to be understood, is skipped.
/// - If close_open is set and the chunk is not full, the same is done with what is open, except
/// that a line
///   that may still become valid and cannot be taken as it is stays open.
/// - A record's `boundary` also says that no continuation holds at its end.
/// - A crash of the machine leaves NUL bytes at the end of a file, and the runtime goes on behind
/// them: a line that is
///   not of the format but would be from behind its last NUL is corrupt up to there only.
/// Threads: any, one `out` each.
void Decode(LogFormat format, const Chunk& chunk, const DecodeLimits& limits, Decoded* out);

}  // namespace hinomi
