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

// `text` with its words filled in.
std::string FillIn(std::string_view text, const KafkaNode& node, const PodInfo& pod) {
  std::string filled;
  for (const NamePart& part : NameParts(text)) {
    const bool is_node = part.is_word && part.text == "node";
    filled += is_node        ? node.node
              : part.is_word ? TargetWord(part.text, node.cluster, pod)
                             : part.text;
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
