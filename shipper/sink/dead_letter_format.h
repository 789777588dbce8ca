// One dead letter as one line of JSON: what docs/dead-letters.md describes, for all sinks. Knows
// neither directories nor who refused it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "shipper/batch.h"
#include "shipper/sink.h"

namespace hinomi {

/// Of the lines that are written. Those of version 1 have no version, no format, no keys and one
/// range.
inline constexpr uint32_t kDeadLetterVersion = 2;

/// A record that a sink refused for good, and all that a sink needs to be given it again.
struct DeadLetter {
  std::string time;  // of the refusal, as DeadLetterTime writes it
  std::string sink;
  std::string route;
  std::string type;    // the sink's own word, such as document_parsing_exception
  std::string reason;  // its sentence
  std::string format;  // of the record, as ToString(RecordFormat) names it
  /// The names and the UID of the pod, the container, path and log_hash; nothing else of it. A
  /// log_hash of zero is not known.
  Origin origin;
  std::vector<SegmentRange> ranges;  // where the record lies; a key of zero is not known
  std::string record;                // encoded for the sink, any bytes; of kOtlp as people read it
  std::string encoded = {};          // of kOtlp: the slice's resource, then the record
};

std::string_view ToString(RecordFormat format);

/// RFC 3339, UTC, milliseconds: as text in the order of time. `wall` is Unix time.
std::string DeadLetterTime(Duration wall);

/// With the newline.
std::string EncodeDeadLetter(const DeadLetter& letter);

/// A line without its newline, of this version or an earlier one; members that are not known are
/// passed over. Errors: corrupt, also for a line of a later version.
Result<DeadLetter> ParseDeadLetter(std::string_view line);

}  // namespace hinomi
