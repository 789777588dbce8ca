// Puts an export request of OTLP together from what a batch holds in RecordFormat::kOtlp: resources
// and records as they are, and between them the lengths of what they are in. Copies nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/protobuf_wire.h"
#include "shipper/batch.h"

namespace hinomi {

/// Reused from request to request: no allocation in the steady state.
class OtlpRequest {
 public:
  /// The request of the records with these indices, in ascending order. The parts, one after
  /// another, are its bytes; they are views into `batch` and into this object, valid until the next
  /// call.
  std::span<const std::string_view> Assemble(const Batch& batch, std::span<const uint32_t> records);
  /// How many of the first of these records make a request of so many bytes; one at least.
  static size_t Fitting(const Batch& batch, std::span<const uint32_t> records, uint64_t bytes_max);
  /// Of the last request.
  size_t bytes() const { return bytes_; }

 private:
  /// Records of one slice that follow one another in the request.
  struct Group {
    uint32_t slice = 0;
    size_t begin = 0;  // into the indices
    size_t end = 0;
    size_t record_bytes = 0;
    std::array<char, 2 * (1 + kVarintBytesMax)> heads;  // of ResourceLogs, then of ScopeLogs
  };

  void FindGroups(const Batch& batch, std::span<const uint32_t> records);
  void Append(const Batch& batch, std::span<const uint32_t> records, Group* group);
  void AddPart(std::string_view part);

  std::vector<Group> groups_;
  std::vector<std::string_view> parts_;
  size_t bytes_ = 0;
};

}  // namespace hinomi
