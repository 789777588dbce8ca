#include "shipper/sink/kafka_error.h"

#include <fmt/core.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <iterator>

namespace hinomi {
namespace {

constexpr int kScramFixed = 0x02060100;  // 2.6.1

struct Entry {
  rd_kafka_resp_err_t error;
  std::string_view code;
  std::string_view remedy;
  bool hopeless = false;
};

constexpr std::string_view kCreateTopic =
    "create the topic, or let the brokers do it (auto.create.topics.enable)";
constexpr std::string_view kReplicas =
    "fewer replicas are in sync than the topic's min.insync.replicas asks for";
constexpr std::string_view kPassword = "check `username`, `password_file` and `sasl`";
constexpr std::string_view kFenced =
    "another agent with the same cluster, node and route has taken it over; give each its own "
    "`cluster` or `node`";
constexpr std::string_view kDisk = "look at the broker's disks";

constexpr Entry kEntries[] = {
    {RD_KAFKA_RESP_ERR__TRANSPORT, "transport", "is the broker running?"},
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "transport", "is the cluster running?", true},
    {RD_KAFKA_RESP_ERR__RESOLVE, "resolve", "check the names in `brokers`", true},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, "authentication", kPassword, true},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, "authentication", kPassword, true},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, "authentication", kPassword, true},
    {RD_KAFKA_RESP_ERR__SSL, "tls",
     "check `tls`, `ca_file`, `certificate_file` and the names in `brokers`", true},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, "timeout", "does the broker hang?"},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, "timeout", ""},
    {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, "timeout", ""},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "topic", kCreateTopic},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, "topic", kCreateTopic},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "topic", kCreateTopic},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, "topic", "the broker takes no topic of that name"},
    {RD_KAFKA_RESP_ERR_INVALID_CONFIG, "topic", ""},
    {RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, "leader",
     "a partition has no leader: are all brokers running?"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "authorization",
     "allow the user the operations Write and Describe on the topic"},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, "authorization",
     "allow the user the operation Write on the topic, or, before Kafka 2.8, IdempotentWrite on "
     "the "
     "cluster"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, "replicas", kReplicas},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, "replicas", kReplicas},
    {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, "storage", kDisk},
    {RD_KAFKA_RESP_ERR_LOG_DIR_NOT_FOUND, "storage", kDisk},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD, "record", "check what the topic demands of its records"},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, "policy", "the broker's policy refuses it"},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "size", "raise the topic's max.message.bytes"},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, "size", "raise the topic's segment.bytes"},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, "compression",
     "the broker is too old for it: change `compression`"},
    {RD_KAFKA_RESP_ERR__FENCED, "fenced", kFenced},
    {RD_KAFKA_RESP_ERR_PRODUCER_FENCED, "fenced", kFenced},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, "authorization",
     "allow the user the operations Write and Describe on the transactional id "
     "cluster/node/route",
     true},
    {RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, "transaction",
     "has the topic __transaction_state a leader and enough replicas?"},
    {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, "transaction", ""},
    {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, "transaction", ""},
    {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, "transaction", ""},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, "version", "0.11 is the oldest version that will do"},
    {RD_KAFKA_RESP_ERR__FATAL, "fatal", ""},
};

}  // namespace

const int kKafkaTooLarge = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
const int kKafkaTimedOut = RD_KAFKA_RESP_ERR__TIMED_OUT;

KafkaError KafkaErrorOf(int error) {
  const auto* const found = std::find_if(std::begin(kEntries), std::end(kEntries),
                                         [&](const Entry& entry) { return entry.error == error; });
  const std::string_view text = rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(error));
  if (found == std::end(kEntries)) return {text, "other", ""};
  return {text, found->code, found->remedy, found->hopeless};
}

int KafkaCauseOf(int error, std::string_view text) {
  const auto says = [&](std::string_view words) { return text.find(words) != text.npos; };
  if (error != RD_KAFKA_RESP_ERR__TRANSPORT) return error;
  if (says("SSL alert")) return RD_KAFKA_RESP_ERR__SSL;
  if (says("ApiVersionRequest failed: Local: Timed out")) return RD_KAFKA_RESP_ERR__TIMED_OUT;
  return error;
}

std::string ScramRemedy() {
  if (rd_kafka_version() >= kScramFixed) return "";
  return fmt::format(
      "librdkafka {} cannot do SCRAM against Kafka 4: build with 2.6.1 or newer, or use sasl: "
      "plain",
      rd_kafka_version_str());
}

std::string TooLargeReason(size_t bytes, std::string_view topic) {
  return fmt::format(
      "a message of {} bytes is more than the topic \"{}\" takes, or than librdkafka's "
      "message.max.bytes",
      bytes, topic);
}

bool IsUnknownTopic(int error) {
  return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
}

bool IsTooLarge(int error) {
  return error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
         error == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

bool IsAftermath(int error) {
  return error == RD_KAFKA_RESP_ERR__FATAL || error == RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE ||
         error == RD_KAFKA_RESP_ERR__PURGE_QUEUE || error == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT ||
         error == RD_KAFKA_RESP_ERR__DESTROY;
}

}  // namespace hinomi
