#include "shipper/sink/kafka_messages.h"

#include <utility>

namespace hinomi {

std::string_view KafkaDocumentOf(const Batch& batch, uint32_t record) {
  const BatchRecord& encoded = batch.records[record];
  std::string_view document(batch.bytes.data() + encoded.begin, encoded.end - encoded.begin);
  if (document.ends_with('\n')) document.remove_suffix(1);
  return document;
}

KafkaMessages::KafkaMessages(const KafkaConfig& config, KafkaNode node)
    : config_(config), topic_(config.topic, node.cluster), node_(std::move(node)) {}

KafkaMessages::ByTopic KafkaMessages::Of(const Batch& batch, std::span<const uint32_t> records) {
  ByTopic messages;
  by_slice_.assign(batch.slices.size(), {});
  for (uint32_t number : records) {
    const uint32_t slice = batch.records[number].slice;
    Shared& shared = by_slice_[slice];
    if (shared.of_topic == nullptr) {
      const Origin& origin = *batch.slices[slice].origin;
      shared = {&messages[topic_.Of(origin.pod)], KafkaKeyOf(origin, config_.key),
                KafkaHeadersOf(config_.headers, node_, origin.pod)};
    }
    KafkaMessage& message = shared.of_topic->emplace_back();
    if (config_.key != KafkaKey::kNone) message.key = shared.key;
    message.payload = KafkaDocumentOf(batch, number);
    if (!shared.headers.empty()) message.headers = &shared.headers;
    message.number = number;
  }
  return messages;
}

std::string KafkaMessages::TopicOf(const Batch& batch, uint32_t record) const {
  return topic_.Of(batch.slices[batch.records[record].slice].origin->pod);
}

}  // namespace hinomi
