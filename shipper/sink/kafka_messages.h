// A batch's records as messages: which topic, key and headers each gets.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "shipper/batch.h"
#include "shipper/sink/kafka_producer.h"
#include "shipper/sink/kafka_topic.h"

namespace hinomi {

/// Without its newline.
std::string_view KafkaDocumentOf(const Batch& batch, uint32_t record);

/// One thread at a time.
class KafkaMessages {
 public:
  /// `config` outlives it.
  KafkaMessages(const KafkaConfig& config, KafkaNode node);

  using ByTopic = std::map<std::string, std::vector<KafkaMessage>>;
  /// Of these records, numbered as in the batch. What they point into lives until the next call and
  /// as long as the batch.
  ByTopic Of(const Batch& batch, std::span<const uint32_t> records);
  std::string TopicOf(const Batch& batch, uint32_t record) const;
  const KafkaTopic& topic() const { return topic_; }

 private:
  struct Shared {
    std::vector<KafkaMessage>* of_topic = nullptr;
    std::string key;
    KafkaHeaders headers;
  };

  const KafkaConfig& config_;
  const KafkaTopic topic_;
  const KafkaNode node_;
  std::vector<Shared> by_slice_;
};

}  // namespace hinomi
