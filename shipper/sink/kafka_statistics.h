// What librdkafka says of a sink's connections, for Prometheus. The sink's producers write it, one
// after another, an exposition reads it. Knows JSON, not the library.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"

namespace hinomi {

/// One broker, as librdkafka counts since the producer began.
struct KafkaBroker {
  std::string address;  // host:port
  int64_t number = -1;  // the cluster's for it; -1: only known from the configuration
  bool shown = true;    // the agent talks to it, or did lately
  double sent_bytes = 0, received_bytes = 0;
  double requests = 0, retries = 0, timeouts = 0;
  double connects = 0, disconnects = 0;
  double queued = 0, unanswered = 0;           // requests, now
  double round_trip = 0, round_trip_slow = 0;  // seconds: on average, of the slowest hundredth
  double throttled = 0;                        // seconds: what the broker asks to wait
};

/// Any thread.
class KafkaStatistics {
 public:
  static constexpr size_t kBrokersMax = 32;

  /// A new producer begins, which counts from zero.
  void Begin();
  /// librdkafka's statistics, as JSON. Keeps what it had when that is damaged.
  void Take(std::string_view json);
  /// Whether the brokers have taken the last producer for one that may write without doubles.
  bool admitted() const;
  /// Metrics, with `labels`: hinomi_sink_sent_bytes_total, of requests after compression;
  /// hinomi_kafka_queue_*, hinomi_kafka_broker_*{broker} (docs/metrics.md). At most kBrokersMax
  /// brokers, those with the lowest numbers.
  std::vector<MetricRows> Rows(const Labels& labels) const;

 private:
  mutable std::mutex mutex_;
  bool known_ = false;
  bool admitted_ = false;
  double sent_bytes_ = 0, sent_before_ = 0;  // by the producer, by those before it
  double queue_records_ = 0, queue_bytes_ = 0;
  std::vector<KafkaBroker> brokers_;
};

}  // namespace hinomi
