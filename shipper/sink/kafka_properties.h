// The configuration of a Kafka sink in librdkafka's words. Knows no library.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/result.h"
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

/// How much librdkafka puts into one set of records before it compresses it. The broker takes or
/// refuses a set as a whole, by its compressed size.
enum class KafkaSets {
  kWhole,   // all that a batch has for a partition: less work by half
  kLarge,   // 1 MB, which fits the brokers' default limit however badly it compresses
  kSmall,   // 64 KiB
  kSingle,  // one record
};

inline constexpr uint64_t kKafkaSmallSetBytes = 64 << 10;

/// Those to begin with.
KafkaSets FirstKafkaSets(const KafkaConfig& config);
/// What a message of several records may have, with its key and headers, to be taken by librdkafka
/// and to fit into such a set; 0: one record is all that it may have.
uint64_t KafkaMessageBytesMax(const KafkaConfig& config, KafkaSets sets);
/// Comma-separated.
std::string KafkaBrokers(const KafkaConfig& config);

using KafkaProperties = std::vector<std::pair<std::string, std::string>>;

/// In the order in which they are to be set: what an operator may change, the operator's own, then
/// what the promises rest on.
KafkaProperties KafkaPropertiesOf(const KafkaConfig& config, const KafkaSecrets& secrets,
                                  KafkaSets sets);
/// The same of a producer with transactions of that name.
KafkaProperties TransactionalPropertiesOf(const KafkaConfig& config, const KafkaSecrets& secrets,
                                          KafkaSets sets, const std::string& transactional_id);
/// Lengthens the timeouts that run while records are sent, as far as librdkafka and brokers bear
/// it.
void LengthenTimeouts(KafkaProperties* properties, Duration by);
/// Of a consumer that sees what is committed alone.
KafkaProperties ReaderPropertiesOf(const KafkaConfig& config, const KafkaSecrets& secrets);

/// What the files of `config` hold now. Errors: io.
Result<KafkaSecrets> ReadKafkaSecrets(FileSystem& files, const KafkaConfig& config);

}  // namespace hinomi
