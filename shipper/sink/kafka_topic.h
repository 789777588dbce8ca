// The topic, the key and the headers of a record: pure functions of who wrote it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "shipper/batch.h"

namespace hinomi {

class KafkaTopic {
 public:
  /// `text` has passed CheckTopic.
  KafkaTopic(std::string text, std::string cluster)
      : text_(std::move(text)), cluster_(std::move(cluster)) {}

  /// The template with its words filled in; what Kafka would refuse in a name becomes _ or is cut.
  std::string Of(const PodInfo& pod) const;
  /// Whether all records go to that one.
  bool IsOne() const;

 private:
  std::string text_;
  std::string cluster_;
};

/// Records with the same key keep their order. Empty with KafkaKey::kNone.
std::string KafkaKeyOf(const Origin& origin, KafkaKey key);

/// Names and values.
using KafkaHeaders = std::vector<std::pair<std::string, std::string>>;

/// What stands in a header beside the names of who wrote the record.
struct KafkaNode {
  std::string cluster;
  std::string node;
};

/// `texts` by name, as CheckKafkaHeader takes them, with their words filled in.
KafkaHeaders KafkaHeadersOf(const std::map<std::string, std::string>& texts, const KafkaNode& node,
                            const PodInfo& pod);

}  // namespace hinomi
