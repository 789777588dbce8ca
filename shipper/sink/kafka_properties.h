// The configuration of a Kafka sink in librdkafka's words. Knows no library.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/config.h"

namespace hinomi {

/// What the files hold that the configuration names.
struct KafkaSecrets {
  std::string password;
  std::string ca;
  std::string certificate;
  std::string key;
  bool operator==(const KafkaSecrets&) const = default;
};

/// How many records librdkafka puts into one set. The broker takes or refuses a set as a whole.
enum class KafkaSets { kLarge, kSmall, kSingle };

using KafkaProperties = std::vector<std::pair<std::string, std::string>>;

/// In the order in which they are to be set: what an operator may change, the operator's own, then
/// what the promises rest on.
KafkaProperties KafkaPropertiesOf(const KafkaConfig& config, const KafkaSecrets& secrets,
                                  KafkaSets sets);

}  // namespace hinomi
