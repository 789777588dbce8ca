#include "shipper/sink/kafka_topic.h"

#include <algorithm>

#include "config/name_parts.h"
#include "shipper/target_word.h"

namespace hinomi {
namespace {

constexpr size_t kTopicSizeMax = 249;  // bytes, Kafka's limit

bool IsLegal(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

std::string KafkaTopic::Of(const PodInfo& pod) const {
  std::string topic;
  for (const NamePart& part : NameParts(text_)) {
    topic += part.is_word ? TargetWord(part.text, cluster_, pod) : part.text;
  }
  std::replace_if(
      topic.begin(), topic.end(), [](char c) { return !IsLegal(c); }, '_');
  if (topic.size() > kTopicSizeMax) topic.resize(kTopicSizeMax);
  if (topic.empty() || topic == "." || topic == "..") topic += '_';
  return topic;
}

std::string_view KafkaKey(const Origin& origin) {
  return origin.pod.pod_uid.empty() ? origin.path : origin.pod.pod_uid;
}

}  // namespace hinomi
