// Delivers batches to Kafka, as KafkaMessages makes messages of them, and says what became of each
// record.
//
// A message is given to librdkafka once and stays there, through broken connections and changed
// leaders, until its report arrives; that, not sending again, keeps it from arriving twice. So an
// attempt gives the batch's messages to the producer, or finds them there already, and waits. A
// producer that has refused a message is replaced, and only when it holds none any more. What
// becomes of a message becomes of all its records.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/filesystem.h"
#include "config/config.h"
#include "shipper/sink.h"
#include "shipper/sink/kafka_environment.h"
#include "shipper/sink/kafka_messages.h"
#include "shipper/sink/kafka_producer.h"
#include "shipper/sink/kafka_topic.h"

namespace hinomi {

class KafkaSink final : public Sink {
 public:
  /// Metrics: those of KafkaStatistics.
  KafkaSink(const SinkConfig& config, const KafkaEnvironment& environment);

  RecordFormat format() const override { return KafkaRecordFormat(config_); }
  Attempt Deliver(Batch& batch, uint32_t lane, const std::stop_token& stop) override;
  /// Of a topic that is named without placeholders it also learns whether it is there; without
  /// making it.
  Attempt Try(const std::stop_token& stop) override;
  /// Lets the library's statistics in.
  void Tidy() override;
  /// librdkafka's copy of the one batch that it has.
  uint64_t buffer_bytes() const override { return batch_bytes_; }

 private:
  enum class State : uint8_t { kWaiting, kProduced, kDecided };

  void Begin(const Batch& batch);
  Attempt Prepare();
  Result<void> MakeProducer(const KafkaSecrets& secrets);
  void Produce(const Batch& batch);
  void Await(Batch& batch, Duration deadline, const std::stop_token& stop);
  KafkaSets sets() const { return single_ ? KafkaSets::kSingle : sets_; }
  void Change(uint32_t record, State state);
  void ChangeAll(uint32_t message, State state);
  void Refuse(uint32_t message, int error);
  void Recall();
  bool Adapt();
  void Reject(Batch& batch);
  Attempt Unanswered(const std::stop_token& stop) const;
  Attempt Reach(Duration deadline, const std::stop_token& stop);
  Attempt TryTopic(Duration deadline);
  Attempt TryAdmission(Duration deadline, const std::stop_token& stop);
  Attempt Refused(const std::string& topic, int error) const;
  Attempt Refusal(const Batch& batch) const;

  const std::string name_;
  const uint64_t batch_bytes_;
  const KafkaConfig config_;
  FileSystem& files_;
  const Clock& clock_;
  KafkaMessages messages_;
  const std::shared_ptr<KafkaStatistics> statistics_ = std::make_shared<KafkaStatistics>();
  Metrics::Hook hook_;
  const std::string brokers_;  // for messages

  std::unique_ptr<KafkaProducer> producer_;
  KafkaSecrets secrets_;    // that it has
  bool trying_ = false;     // the producer is one of Try
  uint64_t blackouts_ = 0;  // of the producer, up to the last attempt
  KafkaSets sets_;          // becomes smaller for good when a broker refuses one

  // The batch that is on its way.
  uint64_t batch_ = 0;
  std::vector<State> states_;          // by record
  size_t waiting_ = 0, produced_ = 0;  // how many are in that state
  bool single_ = false;                // a small set was refused too: records go one by one
  std::vector<uint32_t> too_large_;    // records that are refused for good
  // The producer's first refusal, and how many records it decided.
  int error_ = 0;
  uint32_t refused_ = 0;  // the record
  size_t progress_ = 0;
};

}  // namespace hinomi
