#include "shipper/sink/otlp_request.h"

#include "base/check.h"

namespace hinomi {
namespace {

// Numbers of fields, by message (proto/otlp.proto).
constexpr uint32_t kResourceLogsOfRequest = 1;
constexpr uint32_t kScopeLogsOfResourceLogs = 2;
constexpr size_t kHeadsBytes = 2 * (1 + kVarintBytesMax);  // of ResourceLogs and ScopeLogs, at most

}  // namespace

size_t OtlpRequest::Fitting(const Batch& batch, std::span<const uint32_t> records,
                            uint64_t bytes_max) {
  uint64_t bytes = 0;
  size_t count = 0;
  for (; count < records.size(); ++count) {
    const BatchRecord& record = batch.records[records[count]];
    const Slice& slice = batch.slices[record.slice];
    bytes += record.end - record.begin;
    if (count == 0 || batch.records[records[count - 1]].slice != record.slice) {
      bytes += kHeadsBytes + slice.head_end - slice.head_begin;
    }
    if (count > 0 && bytes > bytes_max) break;
  }
  return count;
}

std::span<const std::string_view> OtlpRequest::Assemble(const Batch& batch,
                                                        std::span<const uint32_t> records) {
  parts_.clear();
  bytes_ = 0;
  FindGroups(batch, records);
  for (Group& group : groups_) Append(batch, records, &group);
  return parts_;
}

void OtlpRequest::FindGroups(const Batch& batch, std::span<const uint32_t> records) {
  groups_.clear();
  for (size_t i = 0; i < records.size(); ++i) {
    const BatchRecord& record = batch.records[records[i]];
    CHECK(record.begin <= record.end && record.end <= batch.bytes.size());
    if (groups_.empty() || groups_.back().slice != record.slice) {
      Group& group = groups_.emplace_back();
      group.slice = record.slice;
      group.begin = i;
    }
    groups_.back().end = i + 1;
    groups_.back().record_bytes += record.end - record.begin;
  }
}

void OtlpRequest::Append(const Batch& batch, std::span<const uint32_t> records, Group* group) {
  const Slice& slice = batch.slices[group->slice];
  const std::string_view all = batch.bytes;
  const std::string_view resource = all.substr(slice.head_begin, slice.head_end - slice.head_begin);
  char* const begin = group->heads.data();
  char* const middle = PutFieldHead(kResourceLogsOfRequest,
                                    resource.size() + FieldBytes(group->record_bytes), begin);
  char* const end = PutFieldHead(kScopeLogsOfResourceLogs, group->record_bytes, middle);
  AddPart({begin, static_cast<size_t>(middle - begin)});
  AddPart(resource);
  AddPart({middle, static_cast<size_t>(end - middle)});
  for (size_t i = group->begin; i < group->end; ++i) {
    const BatchRecord& record = batch.records[records[i]];
    AddPart(all.substr(record.begin, record.end - record.begin));
  }
}

/// What follows the last part in memory becomes part of it.
void OtlpRequest::AddPart(std::string_view part) {
  bytes_ += part.size();
  const bool adjacent =
      !parts_.empty() && parts_.back().data() + parts_.back().size() == part.data();
  if (adjacent) {
    parts_.back() = {parts_.back().data(), parts_.back().size() + part.size()};
  } else {
    parts_.push_back(part);
  }
}

}  // namespace hinomi
