// What brokers tell of a topic without being given a record.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

struct rd_kafka_s;

namespace hinomi {

/// 0 if the topic is there and each of its partitions has a leader; else librdkafka's number. Makes
/// no topic if the client does not (allow.auto.create.topics).
int ProbeKafkaTopic(rd_kafka_s* kafka, const std::string& topic, Duration wait);

/// What a topic's setting is, such as cleanup.policy. Errors: io, with librdkafka's number.
Result<std::string> KafkaTopicSetting(rd_kafka_s* kafka, const std::string& topic,
                                      const std::string& setting, Duration wait);

/// Whether the brokers make topics when they are asked for them (auto.create.topics.enable);
/// nothing if they do not tell this user.
std::optional<bool> KafkaMakesTopics(rd_kafka_s* kafka, Duration wait);

}  // namespace hinomi
