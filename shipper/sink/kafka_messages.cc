#include "shipper/sink/kafka_messages.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "shipper/sink/kafka_error.h"

namespace hinomi {
namespace {

/// Without its newline.
std::string_view DocumentOf(const Batch& batch, uint32_t record) {
  const BatchRecord& encoded = batch.records[record];
  std::string_view document(batch.bytes.data() + encoded.begin, encoded.end - encoded.begin);
  if (document.ends_with('\n')) document.remove_suffix(1);
  return document;
}

}  // namespace

RecordFormat KafkaRecordFormat(const KafkaConfig& config) {
  return config.format == KafkaFormat::kOtlp ? RecordFormat::kOtlp : RecordFormat::kJson;
}

KafkaMessages::KafkaMessages(const KafkaConfig& config, KafkaNode node)
    : config_(config),
      topic_(config.topic, node.cluster),
      node_(std::move(node)),
      otlp_(config.format == KafkaFormat::kOtlp) {}

KafkaMessages::ByTopic KafkaMessages::Of(const Batch& batch, Records records, KafkaSets sets) {
  ByTopic messages;
  by_slice_.assign(batch.slices.size(), {});
  records_.assign(records.begin(), records.end());
  begins_.clear();
  for (size_t begin = 0; begin < records.size();) {
    const uint32_t slice = batch.records[records[begin]].slice;
    Shared& shared = by_slice_[slice];
    if (shared.of_topic == nullptr) {
      shared = MakeShared(batch, slice, sets);
      shared.of_topic = &messages[topic_.Of(batch.slices[slice].origin->pod)];
    }
    const size_t count =
        otlp_ ? Fitting(batch, records.subspan(begin), shared.records_bytes_max) : 1;
    KafkaMessage& message = shared.of_topic->emplace_back();
    if (config_.key != KafkaKey::kNone) message.key = shared.key;
    if (!shared.headers.empty()) message.headers = &shared.headers;
    message.number = static_cast<uint32_t>(begins_.size());
    Fill(batch, records.subspan(begin, count), &message);
    begins_.push_back(begin);
    begin += count;
  }
  begins_.push_back(records.size());
  return messages;
}

KafkaMessages::Shared KafkaMessages::MakeShared(const Batch& batch, uint32_t slice,
                                                KafkaSets sets) const {
  const Origin& origin = *batch.slices[slice].origin;
  Shared shared{.of_topic = nullptr,
                .key = KafkaKeyOf(origin, config_.key),
                .headers = KafkaHeadersOf(config_.headers, node_, origin.pod)};
  uint64_t around = shared.key.size();
  for (const auto& [name, value] : shared.headers) around += name.size() + value.size();
  const uint64_t bytes_max = KafkaMessageBytesMax(config_, sets);
  shared.records_bytes_max = bytes_max - std::min(bytes_max, around);
  return shared;
}

/// How many of them, of one slice, go into one message.
size_t KafkaMessages::Fitting(const Batch& batch, Records records, uint64_t bytes_max) const {
  const uint32_t slice = batch.records[records.front()].slice;
  const auto end = std::find_if(records.begin(), records.end(), [&](uint32_t record) {
    return batch.records[record].slice != slice;
  });
  return OtlpRequest::Fitting(batch, {records.begin(), end}, bytes_max);
}

void KafkaMessages::Fill(const Batch& batch, Records records, KafkaMessage* message) {
  if (!otlp_) {
    message->payload = DocumentOf(batch, records.front());
    return;
  }
  const std::span<const std::string_view> parts = request_.Assemble(batch, records);
  message->own.reset(static_cast<char*>(std::malloc(request_.bytes())));
  char* end = message->own.get();
  for (std::string_view part : parts) {
    std::memcpy(end, part.data(), part.size());
    end += part.size();
  }
  message->payload = {message->own.get(), request_.bytes()};
}

std::span<const uint32_t> KafkaMessages::RecordsOf(uint32_t number) const {
  const size_t begin = begins_.at(number);
  return Records(records_).subspan(begin, begins_.at(number + 1) - begin);
}

std::string KafkaMessages::TopicOf(const Batch& batch, uint32_t record) const {
  return topic_.Of(batch.slices[batch.records[record].slice].origin->pod);
}

size_t KafkaMessages::BytesOf(const Batch& batch, uint32_t record) {
  if (!otlp_) return DocumentOf(batch, record).size();
  request_.Assemble(batch, {&record, 1});
  return request_.bytes();
}

void KafkaMessages::Reject(uint32_t record, Batch* batch) {
  batch->records[record].outcome = Outcome::kRejected;
  batch->rejections.push_back({record, "message_too_large",
                               TooLargeReason(BytesOf(*batch, record), TopicOf(*batch, record))});
}

}  // namespace hinomi
