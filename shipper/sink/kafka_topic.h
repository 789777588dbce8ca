// The topic and the key of a record: pure functions of who wrote it.
#pragma once

#include <string>
#include <string_view>

#include "shipper/batch.h"

namespace hinomi {

class KafkaTopic {
 public:
  /// `text` has passed CheckTopic.
  KafkaTopic(std::string text, std::string cluster)
      : text_(std::move(text)), cluster_(std::move(cluster)) {}

  /// The template with its words filled in; what Kafka would refuse in a name becomes _ or is cut.
  std::string Of(const PodInfo& pod) const;

 private:
  std::string text_;
  std::string cluster_;
};

/// Records with the same key keep their order: those of one pod, and so of one log.
std::string_view KafkaKey(const Origin& origin);

}  // namespace hinomi
