// What the encoders share: which log a record is of, and the note of it in the batch.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "shipper/batch.h"

namespace hinomi {

struct EncodedLog {
  const Origin& origin;
  std::string_view metadata;    // of that origin, from the encoder's Metadata
  uint32_t slice = 0;           // of the batch
  Duration read{0};             // Unix time: when its lines were read
  std::string_view index = {};  // that kBulk names for the record, from a LeaseIndex
};

/// Says where the record's encoded bytes are: from `begin` to the end of those at hand.
inline void AddRecord(const Record& record, const EncodedLog& log, size_t begin, Batch* batch) {
  BatchRecord& encoded = batch->records.emplace_back();
  encoded.begin = static_cast<uint32_t>(begin);
  encoded.end = static_cast<uint32_t>(batch->bytes.size());
  encoded.slice = log.slice;
  encoded.source_bytes = record.source_bytes;
  encoded.source = record.begin;
  encoded.source_end = record.end;
}

}  // namespace hinomi
