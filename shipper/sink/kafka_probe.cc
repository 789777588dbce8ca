#include "shipper/sink/kafka_probe.h"

#include <librdkafka/rdkafka.h>

#include <memory>

#include "base/check.h"

namespace hinomi {
namespace {

constexpr char kMakesTopics[] = "auto.create.topics.enable";

int Milliseconds(Duration wait) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
}

template <auto kDestroy>
struct Deleter {
  void operator()(auto* object) const { kDestroy(object); }
};
template <typename T, auto kDestroy>
using Owned = std::unique_ptr<T, Deleter<kDestroy>>;

using Metadata = Owned<const rd_kafka_metadata_t, rd_kafka_metadata_destroy>;
using Topic = Owned<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using Queue = Owned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using Event = Owned<rd_kafka_event_t, rd_kafka_event_destroy>;
using Options = Owned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
using Resource = Owned<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy>;

// Of the one topic that is asked for, or of the brokers alone.
std::pair<rd_kafka_resp_err_t, Metadata> Ask(rd_kafka_t* kafka, rd_kafka_topic_t* topic,
                                             Duration wait) {
  const rd_kafka_metadata_t* answer = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(kafka, /*all_topics=*/0, topic, &answer, Milliseconds(wait));
  return {error, Metadata(answer)};
}

Error ErrorOf(rd_kafka_resp_err_t error, const char* text) {
  return {ErrorKind::kIo, text == nullptr ? rd_kafka_err2str(error) : text, error};
}

Result<std::string> SettingOf(const rd_kafka_ConfigResource_t* resource,
                              const std::string& setting) {
  const rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(resource);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ErrorOf(error, rd_kafka_ConfigResource_error_string(resource));
  }
  size_t count = 0;
  const rd_kafka_ConfigEntry_t** const entries = rd_kafka_ConfigResource_configs(resource, &count);
  for (size_t i = 0; i < count; ++i) {
    const char* const value = rd_kafka_ConfigEntry_value(entries[i]);
    if (setting == rd_kafka_ConfigEntry_name(entries[i]) && value != nullptr) {
      return std::string(value);
    }
  }
  return ErrorOf(RD_KAFKA_RESP_ERR__NOENT, "the answer has it not");
}

// A broker, or none if none answers. Any of them knows what a topic is set to; the library would
// wait for the controller, which not every cluster tells.
std::optional<int32_t> AnyBroker(rd_kafka_t* kafka, Duration wait) {
  const auto [error, metadata] = Ask(kafka, nullptr, wait);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR || metadata->broker_cnt == 0) return std::nullopt;
  const bool known = metadata->orig_broker_id >= 0;
  return known ? metadata->orig_broker_id : metadata->brokers[0].id;
}

struct Question {
  int32_t broker = 0;  // that is asked
  rd_kafka_ConfigResource_t* resource = nullptr;
  std::string setting;
};

Result<std::string> AskSetting(rd_kafka_t* kafka, Question question, Duration wait) {
  const Options options(rd_kafka_AdminOptions_new(kafka, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
  rd_kafka_AdminOptions_set_broker(options.get(), question.broker, nullptr, 0);
  const Queue queue(rd_kafka_queue_new(kafka));
  rd_kafka_DescribeConfigs(kafka, &question.resource, 1, options.get(), queue.get());
  const Event event(rd_kafka_queue_poll(queue.get(), Milliseconds(wait)));
  if (event == nullptr) return ErrorOf(RD_KAFKA_RESP_ERR__TIMED_OUT, nullptr);
  const rd_kafka_resp_err_t error = rd_kafka_event_error(event.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return ErrorOf(error, rd_kafka_event_error_string(event.get()));
  }
  size_t count = 0;
  const rd_kafka_ConfigResource_t** const answers = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  CHECK(count == 1);
  return SettingOf(answers[0], question.setting);
}

}  // namespace

int ProbeKafkaTopic(rd_kafka_t* kafka, const std::string& name, Duration wait) {
  const Topic topic(rd_kafka_topic_new(kafka, name.c_str(), nullptr));
  CHECK(topic != nullptr);
  const auto [error, metadata] = Ask(kafka, topic.get(), wait);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error;
  if (metadata->topic_cnt != 1) return RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  const rd_kafka_metadata_topic_t& found = metadata->topics[0];
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return found.err;
  for (int i = 0; i < found.partition_cnt; ++i) {
    if (found.partitions[i].leader < 0) return RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
  }
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

Result<std::string> KafkaTopicSetting(rd_kafka_t* kafka, const std::string& topic,
                                      const std::string& setting, Duration wait) {
  const std::optional<int32_t> broker = AnyBroker(kafka, wait);
  if (!broker) return ErrorOf(RD_KAFKA_RESP_ERR__TIMED_OUT, nullptr);
  const Resource resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  return AskSetting(kafka, {*broker, resource.get(), setting}, wait);
}

std::optional<bool> KafkaMakesTopics(rd_kafka_t* kafka, Duration wait) {
  const std::optional<int32_t> broker = AnyBroker(kafka, wait);
  if (!broker) return std::nullopt;
  const std::string name = std::to_string(*broker);
  const Resource resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_BROKER, name.c_str()));
  const Result<std::string> makes =
      AskSetting(kafka, {*broker, resource.get(), kMakesTopics}, wait);
  return makes ? std::optional(*makes == "true") : std::nullopt;
}

}  // namespace hinomi
