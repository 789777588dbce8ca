#include "shipper/sink/kafka_cursor_topic.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/logging.h"
#include "shipper/sink/kafka_error.h"
#include "shipper/sink/kafka_library.h"
#include "shipper/sink/kafka_probe.h"

namespace hinomi {
namespace {

constexpr Duration kPollWait = std::chrono::milliseconds(100);
constexpr Duration kAnswerWait = std::chrono::seconds(1);
constexpr char kPolicy[] = "cleanup.policy", kCompact[] = "compact";
constexpr int kPartitions = 8;
constexpr int kReplicasOfBroker = -1;  // as its default.replication.factor says

int Milliseconds(Duration wait) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
}

KafkaTrouble TroubleOf(rd_kafka_resp_err_t error, std::string_view text = {}) {
  return {error, std::string(text.empty() ? rd_kafka_err2str(error) : text)};
}

}  // namespace

struct KafkaCursorTopic::Handle {
  std::string sink_name;
  std::string topic;
  std::shared_ptr<SinkEgress> egress;
  KafkaTrouble trouble;  // what the library said last
  rd_kafka_t* kafka = nullptr;
  rd_kafka_topic_t* target = nullptr;

  static Handle& Of(void* opaque) { return *static_cast<Handle*>(opaque); }
  static void OnError(rd_kafka_t*, int error, const char* reason, void* opaque) {
    KafkaTrouble& trouble = Of(opaque).trouble;
    if (trouble.error == 0 || error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
      trouble = {KafkaCauseOf(error, reason), reason};
    }
  }
  static void OnLog(const rd_kafka_t* kafka, int, const char* facility, const char* text) {
    log::Debug("sink \"{}\": librdkafka: {}: {}", Of(rd_kafka_opaque(kafka)).sink_name, facility,
               text);
  }
  /// What keeps it from going on.
  KafkaTrouble Stuck(std::string_view what) const {
    if (trouble.error != 0) return trouble;
    return TroubleOf(RD_KAFKA_RESP_ERR__TIMED_OUT,
                     fmt::format("{} of topic \"{}\" took too long", what, topic));
  }
};

Duration KafkaCursorTopic::Patience::left() const { return deadline - clock.Monotonic(); }

KafkaCursorTopic::KafkaCursorTopic(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}

Result<std::unique_ptr<KafkaCursorTopic>> KafkaCursorTopic::Make(Options options) {
  Result<KafkaConf> conf = KafkaConfOf(options.properties);
  if (!conf) return conf.error();
  auto handle = std::make_unique<Handle>();
  handle->sink_name = std::move(options.sink_name);
  handle->topic = std::move(options.topic);
  handle->egress = std::move(options.egress);
  rd_kafka_conf_set_opaque(conf->get(), handle.get());
  rd_kafka_conf_set_error_cb(conf->get(), &Handle::OnError);
  rd_kafka_conf_set_log_cb(conf->get(), &Handle::OnLog);
  UseEgress(conf->get(), *handle);
  const Result<rd_kafka_t*> kafka = NewKafka(RD_KAFKA_CONSUMER, std::move(*conf));
  if (!kafka) return kafka.error();
  handle->kafka = *kafka;
  handle->target = rd_kafka_topic_new(handle->kafka, handle->topic.c_str(), nullptr);
  CHECK(handle->target != nullptr);
  return std::unique_ptr<KafkaCursorTopic>(new KafkaCursorTopic(std::move(handle)));
}

KafkaCursorTopic::~KafkaCursorTopic() {
  rd_kafka_topic_destroy(handle_->target);
  rd_kafka_t* const kafka = handle_->kafka;
  EndKafka(kafka,
           [handle = std::shared_ptr<Handle>(std::move(handle_))]() mutable { handle.reset(); });
}

KafkaTrouble KafkaCursorTopic::Find(const Patience& patience, Found* found) {
  const KafkaTrouble trouble = Count(patience, &found->partitions);
  if (trouble.error != 0 || found->partitions == 0) return trouble;
  return CheckPolicy(patience, &found->policy_unknown);
}

KafkaTrouble KafkaCursorTopic::Prepare(const Patience& patience, Found* found) {
  KafkaTrouble trouble = Find(patience, found);
  if (trouble.error != 0 || found->partitions > 0) return trouble;
  trouble = Create(patience);
  while (trouble.error == 0 && found->partitions == 0 && !patience.over()) {
    trouble = Count(patience, &found->partitions);
  }
  if (trouble.error != 0) return trouble;
  return found->partitions > 0 ? KafkaTrouble{} : handle_->Stuck("the making");
}

// A consumer asks for a topic without making it, which would not be compacted.
KafkaTrouble KafkaCursorTopic::Count(const Patience& patience, int32_t* partitions) {
  while (!patience.over()) {
    const struct rd_kafka_metadata* answer = nullptr;
    const rd_kafka_resp_err_t error =
        rd_kafka_metadata(handle_->kafka, /*all_topics=*/0, handle_->target, &answer,
                          Milliseconds(std::min(patience.left(), kAnswerWait)));
    rd_kafka_poll(handle_->kafka, 0);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (KafkaErrorOf(handle_->trouble.error).hopeless) return handle_->trouble;
      continue;
    }
    const rd_kafka_resp_err_t refusal =
        answer->topic_cnt == 1 ? answer->topics[0].err : RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    if (refusal == RD_KAFKA_RESP_ERR_NO_ERROR) *partitions = answer->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(answer);
    const bool missing = refusal == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                         refusal == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    const bool electing = refusal == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    if (electing) continue;
    if (refusal == RD_KAFKA_RESP_ERR_NO_ERROR || missing) return {};
    return TroubleOf(refusal,
                     fmt::format("topic \"{}\": {}", handle_->topic, rd_kafka_err2str(refusal)));
  }
  return handle_->Stuck("the search");
}

KafkaTrouble KafkaCursorTopic::CheckPolicy(const Patience& patience, std::string* unknown) {
  while (!patience.over()) {
    const Result<std::string> policy =
        KafkaTopicSetting(handle_->kafka, handle_->topic, kPolicy,
                          std::clamp(patience.left(), Duration{0}, kAnswerWait));
    if (policy && *policy == kCompact) return {};
    if (policy) {
      return TroubleOf(
          RD_KAFKA_RESP_ERR_INVALID_CONFIG,
          fmt::format("topic \"{0}\" has {1}={2}, so that the cursors of quiet logs would be lost; "
                      "set it with kafka-configs --bootstrap-server BROKER --alter --topic {0} "
                      "--add-config {1}={3}",
                      handle_->topic, kPolicy, *policy, kCompact));
    }
    if (policy.error().code != RD_KAFKA_RESP_ERR__TIMED_OUT) {
      *unknown = policy.error().message;
      return {};
    }
  }
  return handle_->Stuck("the description");
}

KafkaTrouble KafkaCursorTopic::Create(const Patience& patience) {
  std::array<char, 512> text = {};
  rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(handle_->topic.c_str(), kPartitions,
                                                     kReplicasOfBroker, text.data(), text.size());
  if (topic == nullptr) return TroubleOf(RD_KAFKA_RESP_ERR__INVALID_ARG, text.data());
  // Only the newest message of a key counts: it is read as a whole at each start, so old ones are
  // not to pile up in a segment that is never compacted.
  rd_kafka_NewTopic_set_config(topic, kPolicy, kCompact);
  rd_kafka_NewTopic_set_config(topic, "segment.bytes", "16777216");
  rd_kafka_NewTopic_set_config(topic, "min.cleanable.dirty.ratio", "0.1");
  rd_kafka_queue_t* const queue = rd_kafka_queue_new(handle_->kafka);
  rd_kafka_CreateTopics(handle_->kafka, &topic, 1, nullptr, queue);
  rd_kafka_NewTopic_destroy(topic);
  rd_kafka_event_t* event = nullptr;
  while (event == nullptr && !patience.over()) {
    event = rd_kafka_queue_poll(queue, Milliseconds(std::min(patience.left(), kPollWait)));
  }
  KafkaTrouble trouble;
  if (event == nullptr) {
    trouble = handle_->Stuck("the making");
  } else if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    trouble = TroubleOf(rd_kafka_event_error(event), rd_kafka_event_error_string(event));
  } else {
    size_t count = 0;
    const rd_kafka_topic_result_t** results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    CHECK(count == 1);
    const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[0]);
    const bool exists = error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR && !exists) {
      const char* const reason = rd_kafka_topic_result_error_string(results[0]);
      trouble = TroubleOf(
          error,
          fmt::format("cannot make topic \"{}\": {}; make it with {}={}", handle_->topic,
                      reason == nullptr ? rd_kafka_err2str(error) : reason, kPolicy, kCompact));
    }
  }
  if (event != nullptr) rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  return trouble;
}

KafkaTrouble KafkaCursorTopic::Read(
    int32_t partition, const Patience& patience,
    const std::function<bool(std::string_view, std::string_view)>& take) {
  const auto text = [](const void* data, size_t size) {
    return std::string_view(static_cast<const char*>(data), data == nullptr ? 0 : size);
  };
  if (rd_kafka_consume_start(handle_->target, partition, RD_KAFKA_OFFSET_BEGINNING) != 0) {
    return TroubleOf(rd_kafka_last_error());
  }
  KafkaTrouble trouble;
  bool complete = false;
  while (!complete && trouble.error == 0 && !patience.over()) {
    rd_kafka_poll(handle_->kafka, 0);
    rd_kafka_message_t* const message =
        rd_kafka_consume(handle_->target, partition, Milliseconds(kPollWait));
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      complete = take(text(message->key, message->key_len), text(message->payload, message->len));
    } else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      trouble = TroubleOf(message->err, rd_kafka_message_errstr(message));
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consume_stop(handle_->target, partition);
  if (trouble.error == 0 && !complete) trouble = handle_->Stuck("the reading");
  return trouble;
}

}  // namespace hinomi
