#include "shipper/sink/kafka_statistics.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/json_walk.h"

namespace hinomi {
namespace {

// The library never forgets a broker; one that it has not tried for so long is not in use.
constexpr double kUnusedMicroseconds = 600e6;
constexpr double kMicro = 1e-6, kMilli = 1e-3;
constexpr auto kAny = JsonPath::kAny;

struct Field {
  std::string_view section;  // within the broker; empty: right there
  std::string_view name;
  double KafkaBroker::*value;
  double unit = 1;
};

constexpr Field kFields[] = {
    {"", "txbytes", &KafkaBroker::sent_bytes},
    {"", "rxbytes", &KafkaBroker::received_bytes},
    {"", "tx", &KafkaBroker::requests},
    {"", "txretries", &KafkaBroker::retries},
    {"", "req_timeouts", &KafkaBroker::timeouts},
    {"", "connects", &KafkaBroker::connects},
    {"", "disconnects", &KafkaBroker::disconnects},
    {"", "outbuf_cnt", &KafkaBroker::queued},
    {"", "waitresp_cnt", &KafkaBroker::unanswered},
    {"rtt", "avg", &KafkaBroker::round_trip, kMicro},
    {"rtt", "p99", &KafkaBroker::round_trip_slow, kMicro},
    {"throttle", "avg", &KafkaBroker::throttled, kMilli},
};

struct Row {
  const char* name;
  const char* help;
  bool is_counter;
  double KafkaBroker::*value;
};

constexpr Row kRows[] = {
    {"hinomi_kafka_broker_sent_bytes_total", "Bytes sent to the broker.", true,
     &KafkaBroker::sent_bytes},
    {"hinomi_kafka_broker_received_bytes_total", "Bytes received from the broker.", true,
     &KafkaBroker::received_bytes},
    {"hinomi_kafka_broker_requests_total", "Requests sent to the broker.", true,
     &KafkaBroker::requests},
    {"hinomi_kafka_broker_retries_total", "Requests sent to the broker once more.", true,
     &KafkaBroker::retries},
    {"hinomi_kafka_broker_timeouts_total", "Requests that the broker did not answer in time.", true,
     &KafkaBroker::timeouts},
    {"hinomi_kafka_broker_connects_total", "Attempts to connect to the broker.", true,
     &KafkaBroker::connects},
    {"hinomi_kafka_broker_disconnects_total", "Connections to the broker that ended.", true,
     &KafkaBroker::disconnects},
    {"hinomi_kafka_broker_queued_requests", "Requests that wait to be sent to the broker.", false,
     &KafkaBroker::queued},
    {"hinomi_kafka_broker_unanswered_requests", "Requests that wait for the broker's answer.",
     false, &KafkaBroker::unanswered},
    {"hinomi_kafka_broker_round_trip_seconds",
     "Time from a request to its answer, on average over some seconds; 0 without requests.", false,
     &KafkaBroker::round_trip},
    {"hinomi_kafka_broker_round_trip_p99_seconds",
     "The same, of which one request in a hundred takes longer.", false,
     &KafkaBroker::round_trip_slow},
    {"hinomi_kafka_broker_throttle_seconds",
     "How long the broker asks to wait because of a quota, on average.", false,
     &KafkaBroker::throttled},
};

class Reader final : public JsonVisitor {
 public:
  void Number(const JsonPath& path, double value) override {
    if (path.Is({"tx_bytes"})) sent_bytes = value;
    if (path.Is({"msg_cnt"})) queue_records = value;
    if (path.Is({"msg_size"})) queue_bytes = value;
    if (path.Is({"brokers", kAny, "nodeid"})) broker_.number = static_cast<int64_t>(value);
    if (path.Is({"brokers", kAny, "stateage"})) state_age_ = value;
    for (const Field& field : kFields) {
      const bool here = field.section.empty()
                            ? path.Is({"brokers", kAny, field.name})
                            : path.Is({"brokers", kAny, field.section, field.name});
      if (here) broker_.*field.value = value * field.unit;
    }
  }
  void Text(const JsonPath& path, std::string_view text) override {
    if (path.Is({"eos", "idemp_state"})) admitted = text == "Assigned";
    if (path.Is({"brokers", kAny, "nodename"})) broker_.address = text;
    if (path.Is({"brokers", kAny, "state"})) up_ = text == "UP";
    // Of coordinators and the library's own there are no connections beside those of brokers.
    if (path.Is({"brokers", kAny, "source"})) {
      broker_.shown = text == "learned" || text == "configured";
    }
  }
  void EndObject(const JsonPath& path) override {
    if (!path.IsIn({"brokers"})) return;
    if (broker_.shown && (up_ || state_age_ < kUnusedMicroseconds)) brokers.push_back(broker_);
    broker_ = {};
  }

  bool admitted = false;
  double sent_bytes = 0, queue_records = 0, queue_bytes = 0;
  std::vector<KafkaBroker> brokers;

 private:
  KafkaBroker broker_;
  bool up_ = false;
  double state_age_ = 0;
};

}  // namespace

void KafkaStatistics::Begin() {
  const std::lock_guard lock(mutex_);
  admitted_ = false;
  sent_before_ += std::exchange(sent_bytes_, 0);
}

void KafkaStatistics::Take(std::string_view json) {
  Reader reader;
  if (!WalkJson(json, reader)) return;
  // Those that only the configuration knows come last.
  std::stable_sort(reader.brokers.begin(), reader.brokers.end(),
                   [](const KafkaBroker& a, const KafkaBroker& b) {
                     return static_cast<uint64_t>(a.number) < static_cast<uint64_t>(b.number);
                   });
  if (reader.brokers.size() > kBrokersMax) reader.brokers.resize(kBrokersMax);
  const std::lock_guard lock(mutex_);
  known_ = true;
  admitted_ = reader.admitted;
  sent_bytes_ = reader.sent_bytes;
  queue_records_ = reader.queue_records;
  queue_bytes_ = reader.queue_bytes;
  brokers_ = std::move(reader.brokers);
}

bool KafkaStatistics::admitted() const {
  const std::lock_guard lock(mutex_);
  return admitted_;
}

std::vector<MetricRows> KafkaStatistics::Rows(const Labels& labels) const {
  const std::lock_guard lock(mutex_);
  std::vector<MetricRows> all = {{"hinomi_sink_sent_bytes_total",
                                  "Bytes sent, after compression.",
                                  true,
                                  {{labels, sent_before_ + sent_bytes_}}}};
  if (!known_) return all;
  all.push_back({"hinomi_kafka_queue_records",
                 "Records that librdkafka has and the brokers have not acknowledged.",
                 false,
                 {{labels, queue_records_}}});
  all.push_back({"hinomi_kafka_queue_bytes",
                 "Their bytes, before compression.",
                 false,
                 {{labels, queue_bytes_}}});
  for (const Row& row : kRows) {
    MetricRows& rows = all.emplace_back(MetricRows{row.name, row.help, row.is_counter, {}});
    for (const KafkaBroker& broker : brokers_) {
      Labels of_broker = labels;
      of_broker.insert({"broker", broker.address});
      rows.rows.push_back({std::move(of_broker), broker.*row.value});
    }
  }
  return all;
}

}  // namespace hinomi
