#include "shipper/sink/kafka_topic.h"

#include <algorithm>

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
  for (size_t at = 0; at < text_.size();) {
    const size_t close = text_[at] == '{' ? text_.find('}', at) : std::string::npos;
    if (close == std::string::npos) {
      topic += text_[at++];
      continue;
    }
    const std::string_view word(text_.data() + at + 1, close - at - 1);
    topic += word == "cluster"     ? cluster_
             : word == "namespace" ? pod.namespace_name
             : word == "pod"       ? pod.pod_name
                                   : pod.container_name;
    at = close + 1;
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
