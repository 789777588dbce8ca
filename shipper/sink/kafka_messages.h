// A batch's records as messages: which topic, key and headers each gets, and what is in it. That is
// one document, or with format: otlp a request with as many records of one slice as fit into it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "shipper/batch.h"
#include "shipper/sink.h"
#include "shipper/sink/kafka_producer.h"
#include "shipper/sink/kafka_topic.h"
#include "shipper/sink/otlp_request.h"

namespace hinomi {

/// Of the records that a Kafka sink wants.
RecordFormat KafkaRecordFormat(const KafkaConfig& config);

/// One thread at a time.
class KafkaMessages {
 public:
  /// `config` outlives it.
  KafkaMessages(const KafkaConfig& config, KafkaNode node);

  using ByTopic = std::map<std::string, std::vector<KafkaMessage>>;
  /// Of these records, in ascending order; numbered for RecordsOf. What they point into lives until
  /// the next call and as long as the batch. `sets`: those that they will be sent in.
  ByTopic Of(const Batch& batch, std::span<const uint32_t> records, KafkaSets sets);
  /// Those in the message of that number, of the last call.
  std::span<const uint32_t> RecordsOf(uint32_t number) const;

  std::string TopicOf(const Batch& batch, uint32_t record) const;
  /// Of a message with that record alone, without key and headers.
  size_t BytesOf(const Batch& batch, uint32_t record);
  /// Makes the record one that is too large for its topic.
  void Reject(uint32_t record, Batch* batch);
  const KafkaTopic& topic() const { return topic_; }

 private:
  struct Shared {
    std::vector<KafkaMessage>* of_topic = nullptr;
    std::string key;
    KafkaHeaders headers;
    uint64_t records_bytes_max = 0;  // of a message
  };
  using Records = std::span<const uint32_t>;

  Shared MakeShared(const Batch& batch, uint32_t slice, KafkaSets sets) const;
  size_t Fitting(const Batch& batch, Records records, uint64_t bytes_max) const;
  void Fill(const Batch& batch, Records records, KafkaMessage* message);

  const KafkaConfig& config_;
  const KafkaTopic topic_;
  const KafkaNode node_;
  const bool otlp_;
  OtlpRequest request_;
  std::vector<Shared> by_slice_;
  std::vector<uint32_t> records_;  // that are in messages
  std::vector<size_t> begins_;     // of each message in them, and their end
};

}  // namespace hinomi
