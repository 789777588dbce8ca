#include "shipper/sink/kafka_probe.h"

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string_view>

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

std::optional<bool> SettingOf(const rd_kafka_ConfigResource_t* resource, std::string_view name) {
  if (rd_kafka_ConfigResource_error(resource) != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  size_t count = 0;
  const rd_kafka_ConfigEntry_t** const entries = rd_kafka_ConfigResource_configs(resource, &count);
  for (size_t i = 0; i < count; ++i) {
    const char* const value = rd_kafka_ConfigEntry_value(entries[i]);
    if (name != rd_kafka_ConfigEntry_name(entries[i]) || value == nullptr) continue;
    return value == std::string_view("true");
  }
  return std::nullopt;
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

std::optional<bool> KafkaMakesTopics(rd_kafka_t* kafka, Duration wait) {
  const auto [error, metadata] = Ask(kafka, nullptr, wait);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR || metadata->broker_cnt == 0) return std::nullopt;
  const std::string broker = std::to_string(metadata->brokers[0].id);
  const Resource resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_BROKER, broker.c_str()));
  const Options options(rd_kafka_AdminOptions_new(kafka, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
  const Queue queue(rd_kafka_queue_new(kafka));
  rd_kafka_ConfigResource_t* asked[] = {resource.get()};
  rd_kafka_DescribeConfigs(kafka, asked, 1, options.get(), queue.get());
  const Event event(rd_kafka_queue_poll(queue.get(), Milliseconds(wait)));
  const rd_kafka_DescribeConfigs_result_t* const result =
      event == nullptr ? nullptr : rd_kafka_event_DescribeConfigs_result(event.get());
  if (result == nullptr) return std::nullopt;
  size_t count = 0;
  const rd_kafka_ConfigResource_t** const answers =
      rd_kafka_DescribeConfigs_result_resources(result, &count);
  return count == 0 ? std::nullopt : SettingOf(answers[0], kMakesTopics);
}

}  // namespace hinomi
