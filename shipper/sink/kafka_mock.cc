#include "shipper/sink/kafka_mock.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <sstream>

#include "base/check.h"

namespace hinomi {
namespace {

constexpr int kBrokers = 3;
constexpr int16_t kProduce = 0, kEndTxn = 26;  // the protocol's numbers of requests
constexpr int kPollMilliseconds = 5000;

void Set(rd_kafka_conf_t* conf, const char* name, const char* value) {
  CHECK(rd_kafka_conf_set(conf, name, value, nullptr, 0) == RD_KAFKA_CONF_OK);
}

std::string Text(const void* data, size_t size) { return {static_cast<const char*>(data), size}; }

MockRecord RecordOf(const rd_kafka_message_t* message) {
  MockRecord record;
  if (message->key != nullptr) record.key = Text(message->key, message->key_len);
  record.value = Text(message->payload, message->len);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
  const char* name = nullptr;
  const void* value = nullptr;
  for (size_t i = 0, size = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    record.headers.emplace_back(name, Text(value, size));
  }
  return record;
}

}  // namespace

MockKafka::MockKafka() {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  Set(conf, "log_level", "0");
  host_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
  CHECK(host_ != nullptr);
  cluster_ = rd_kafka_mock_cluster_new(host_, kBrokers);
  conf = rd_kafka_conf_new();
  Set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster_));
  Set(conf, "group.id", "reader");
  Set(conf, "enable.partition.eof", "true");
  Set(conf, "fetch.wait.max.ms", "10");
  Set(conf, "fetch.error.backoff.ms", "5");
  Set(conf, "log_level", "0");
  Set(conf, "reconnect.backoff.ms", "5");
  Set(conf, "reconnect.backoff.max.ms", "20");
  reader_ = rd_kafka_new(RD_KAFKA_CONSUMER, conf, nullptr, 0);
  CHECK(reader_ != nullptr);
}

MockKafka::~MockKafka() {
  rd_kafka_destroy(reader_);
  rd_kafka_mock_cluster_destroy(cluster_);
  rd_kafka_destroy(host_);
}

std::vector<std::string> MockKafka::brokers() const {
  std::istringstream list(rd_kafka_mock_cluster_bootstraps(cluster_));
  std::vector<std::string> brokers;
  for (std::string broker; std::getline(list, broker, ',');) brokers.push_back(broker);
  return brokers;
}

void MockKafka::CreateTopic(const std::string& topic) {
  CHECK(rd_kafka_mock_topic_create(cluster_, topic.c_str(), 1, 1) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockKafka::Lead(const std::string& topic, int broker) {
  CHECK(rd_kafka_mock_partition_set_leader(cluster_, topic.c_str(), 0, broker) ==
        RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockKafka::FailProduceOf(int broker, const std::vector<int>& errors) {
  for (int error : errors) {
    CHECK(rd_kafka_mock_broker_push_request_error_rtts(cluster_, broker, kProduce, 1,
                                                       static_cast<rd_kafka_resp_err_t>(error),
                                                       0) == RD_KAFKA_RESP_ERR_NO_ERROR);
  }
}

void MockKafka::FailProduce(const std::vector<int>& errors) { Fail(kProduce, errors); }

void MockKafka::FailCommit(const std::vector<int>& errors) { Fail(kEndTxn, errors); }

void MockKafka::Fail(int16_t request, const std::vector<int>& errors) {
  std::vector<rd_kafka_resp_err_t> codes;
  for (int error : errors) codes.push_back(static_cast<rd_kafka_resp_err_t>(error));
  rd_kafka_mock_push_request_errors_array(cluster_, request, codes.size(), codes.data());
}

void MockKafka::SetTopicError(const std::string& topic, int error) {
  rd_kafka_mock_topic_set_error(cluster_, topic.c_str(), static_cast<rd_kafka_resp_err_t>(error));
}

void MockKafka::SetDown(bool down) {
  if (down_ == down) return;
  down_ = down;
  for (int broker = 1; broker <= kBrokers; ++broker) {
    down ? rd_kafka_mock_broker_set_down(cluster_, broker)
         : rd_kafka_mock_broker_set_up(cluster_, broker);
  }
}

void MockKafka::SetDelay(int milliseconds) {
  if (delay_milliseconds_ == milliseconds) return;
  delay_milliseconds_ = milliseconds;
  for (int broker = 1; broker <= kBrokers; ++broker) {
    rd_kafka_mock_broker_set_rtt(cluster_, broker, milliseconds);
  }
}

void MockKafka::Reset() {
  rd_kafka_mock_clear_request_errors(cluster_, kProduce);
  rd_kafka_mock_clear_request_errors(cluster_, kEndTxn);
  SetDelay(0);
  SetDown(false);
}

std::vector<MockRecord> MockKafka::Records(const std::string& topic) const {
  rd_kafka_topic_partition_list_t* const partitions = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(partitions, topic.c_str(), 0)->offset =
      RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_assign(reader_, partitions);
  rd_kafka_topic_partition_list_destroy(partitions);
  std::vector<MockRecord> records;
  for (bool end = false; !end;) {
    rd_kafka_message_t* const message = rd_kafka_consumer_poll(reader_, kPollMilliseconds);
    CHECK(message != nullptr);
    end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      records.push_back(RecordOf(message));
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_assign(reader_, nullptr);
  return records;
}

std::vector<std::string> MockKafka::Read(const std::string& topic) const {
  std::vector<std::string> values;
  for (MockRecord& record : Records(topic)) values.push_back(std::move(record.value));
  return values;
}

}  // namespace hinomi
