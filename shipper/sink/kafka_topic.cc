#include "shipper/sink/kafka_topic.h"

#include <algorithm>

namespace hinomi {
namespace {

constexpr size_t kTopicSizeMax = 249;  // bytes, Kafka's limit

bool IsLegal(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

// `text` with its words filled in.
std::string FillIn(std::string_view text, const KafkaNode& node, const PodInfo& pod) {
  std::string filled;
  for (size_t at = 0; at < text.size();) {
    const size_t close = text[at] == '{' ? text.find('}', at) : std::string_view::npos;
    if (close == std::string_view::npos) {
      filled += text[at++];
      continue;
    }
    const std::string_view word = text.substr(at + 1, close - at - 1);
    filled += word == "cluster"     ? node.cluster
              : word == "node"      ? node.node
              : word == "namespace" ? pod.namespace_name
              : word == "pod"       ? pod.pod_name
                                    : pod.container_name;
    at = close + 1;
  }
  return filled;
}

}  // namespace

std::string KafkaTopic::Of(const PodInfo& pod) const {
  std::string topic = FillIn(text_, {cluster_, ""}, pod);
  std::replace_if(
      topic.begin(), topic.end(), [](char c) { return !IsLegal(c); }, '_');
  if (topic.size() > kTopicSizeMax) topic.resize(kTopicSizeMax);
  if (topic.empty() || topic == "." || topic == "..") topic += '_';
  return topic;
}

bool KafkaTopic::IsOne() const {
  return text_.find("{namespace}") == text_.npos && text_.find("{pod}") == text_.npos &&
         text_.find("{container}") == text_.npos;
}

std::string KafkaKeyOf(const Origin& origin, KafkaKey key) {
  const PodInfo& pod = origin.pod;
  switch (key) {
    case KafkaKey::kPod:
      return pod.pod_uid.empty() ? origin.path : pod.pod_uid;
    case KafkaKey::kContainer:
      return pod.pod_uid.empty() ? origin.path : pod.pod_uid + "/" + pod.container_name;
    case KafkaKey::kNamespace:
      return pod.namespace_name;
    case KafkaKey::kNone:
      break;
  }
  return "";
}

KafkaHeaders KafkaHeadersOf(const std::map<std::string, std::string>& texts, const KafkaNode& node,
                            const PodInfo& pod) {
  KafkaHeaders headers;
  for (const auto& [name, text] : texts) headers.emplace_back(name, FillIn(text, node, pod));
  return headers;
}

}  // namespace hinomi
