// Delivers to Kafka so that nobody who reads what is committed sees a record twice, and none is
// missing: each route has its transactions, and keeps its cursors in Kafka.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "shipper/sink/kafka.h"
#include "shipper/sink/kafka_transactions.h"

namespace hinomi {

class KafkaExactlyOnceSink final : public Sink, public CursorKeeper {
 public:
  /// `routes`: of the configuration; those of other sinks too.
  KafkaExactlyOnceSink(const SinkConfig& config, const std::vector<RouteConfig>& routes,
                       const KafkaEnvironment& environment);

  RecordFormat format() const override { return KafkaRecordFormat(config_.kafka); }
  Attempt Deliver(Batch& batch, uint32_t lane, const std::stop_token& stop) override;
  /// As KafkaSink's, and looks at the topic of the cursors. Opens nothing: that would stop an agent
  /// that runs.
  Attempt Try(const std::stop_token& stop) override;
  void Tidy() override;
  /// librdkafka's copy of the one batch that it has.
  uint64_t buffer_bytes() const override { return config_.batch_bytes; }
  CursorKeeper* cursors() override { return this; }

  Attempt Open(uint32_t route, const std::stop_token& stop,
               std::vector<KeptCursor>* cursors) override;
  void Forget(uint32_t route, std::vector<std::string> logs) override;

 private:
  const SinkConfig config_;
  const KafkaEnvironment around_;
  std::map<uint32_t, KafkaTransactions> routes_;  // by index
};

}  // namespace hinomi
