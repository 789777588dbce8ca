#include "shipper/sink/kafka_properties.h"

#include <algorithm>
#include <charconv>

#include "base/secret.h"

namespace hinomi {
namespace {

constexpr uint64_t kPemBytesMax = 1 << 20;
constexpr char kMessageBytesMax[] = "message.max.bytes";
constexpr uint64_t kLargeSetBytes = 1'000'000;
constexpr uint64_t kMessageOverhead = 1000;  // of the library and of a set, with room

const char* NameOf(KafkaCompression compression) {
  switch (compression) {
    case KafkaCompression::kNone:
      return "none";
    case KafkaCompression::kGzip:
      return "gzip";
    case KafkaCompression::kSnappy:
      return "snappy";
    case KafkaCompression::kLz4:
      return "lz4";
    case KafkaCompression::kZstd:
      return "zstd";
  }
  return "";
}

const char* NameOf(SaslMechanism mechanism) {
  switch (mechanism) {
    case SaslMechanism::kPlain:
      return "PLAIN";
    case SaslMechanism::kScramSha256:
      return "SCRAM-SHA-256";
    case SaslMechanism::kScramSha512:
      return "SCRAM-SHA-512";
  }
  return "";
}

void AddBrokers(const KafkaConfig& config, KafkaProperties* properties) {
  const std::string brokers = KafkaBrokers(config);
  if (!brokers.empty()) properties->emplace_back("bootstrap.servers", brokers);
}

void AddSecurity(const KafkaConfig& config, const KafkaSecrets& secrets,
                 KafkaProperties* properties) {
  const bool sasl = !config.username.empty();
  properties->emplace_back("security.protocol", config.tls
                                                    ? (sasl ? "SASL_SSL" : "SSL")
                                                    : (sasl ? "SASL_PLAINTEXT" : "PLAINTEXT"));
  if (sasl) {
    properties->emplace_back("sasl.mechanism", NameOf(config.sasl));
    properties->emplace_back("sasl.username", config.username);
    properties->emplace_back("sasl.password", secrets.password);
  }
  if (!secrets.ca.empty()) properties->emplace_back("ssl.ca.pem", secrets.ca);
  if (!secrets.certificate.empty()) {
    properties->emplace_back("ssl.certificate.pem", secrets.certificate);
    properties->emplace_back("ssl.key.pem", secrets.key);
  }
}

}  // namespace

std::string KafkaBrokers(const KafkaConfig& config) {
  std::string brokers;
  for (const std::string& broker : config.brokers) {
    brokers += (brokers.empty() ? "" : ",") + broker;
  }
  return brokers;
}

KafkaSets FirstKafkaSets(const KafkaConfig& config) {
  return config.compression == KafkaCompression::kNone ? KafkaSets::kLarge : KafkaSets::kWhole;
}

uint64_t KafkaMessageBytesMax(const KafkaConfig& config, KafkaSets sets) {
  if (sets == KafkaSets::kSingle) return 0;
  uint64_t bytes_max = sets == KafkaSets::kSmall ? kKafkaSmallSetBytes : kLargeSetBytes;
  if (const auto set = config.settings.find(kMessageBytesMax); set != config.settings.end()) {
    uint64_t own = bytes_max;
    std::from_chars(set->second.data(), set->second.data() + set->second.size(), own);
    bytes_max = std::min(bytes_max, own);
  }
  return bytes_max - std::min(bytes_max, kMessageOverhead);
}

KafkaProperties KafkaPropertiesOf(const KafkaConfig& config, const KafkaSecrets& secrets,
                                  KafkaSets sets) {
  KafkaProperties properties = {
      {"client.id", "hinomi"},
      {"socket.keepalive.enable", "true"},
      // A topic that is missing is reported after this; records that wait for one are not lost.
      {"topic.metadata.propagation.max.ms", "5000"},
      {"statistics.interval.ms", "10000"},
      // The records of a batch come together. librdkafka polls through a wait that is shorter than
      // a millisecond, and with 1 all of it is.
      {"linger.ms", "5"},
      // Of a record that is not compressed; what it may have compressed, the topic says.
      {kMessageBytesMax, "4194304"},
      {"batch.size", sets == KafkaSets::kWhole ? "4194304" : std::to_string(kLargeSetBytes)},
  };
  if (config.compression == KafkaCompression::kZstd) {
    properties.emplace_back("compression.level", "1");
  }
  properties.insert(properties.end(), config.settings.begin(), config.settings.end());
  AddBrokers(config, &properties);
  properties.emplace_back("compression.type", NameOf(config.compression));
  const std::pair<const char*, const char*> kPromises[] = {
      {"enable.idempotence", "true"},
      {"acks", "all"},
      // A record that is with librdkafka stays there until it is delivered: what gave up would be
      // produced a second time.
      {"message.timeout.ms", "0"},
      // After a refusal nothing that came behind may be stored before it.
      {"enable.gapless.guarantee", "true"},
      {"partitioner", "murmur2_random"},  // as Kafka's own clients
      // The sink gives it one batch at a time, which bounds it.
      {"queue.buffering.max.messages", "0"},
      {"queue.buffering.max.kbytes", "2147483647"},
  };
  properties.insert(properties.end(), std::begin(kPromises), std::end(kPromises));
  if (sets == KafkaSets::kSmall)
    properties.emplace_back("batch.size", std::to_string(kKafkaSmallSetBytes));
  if (sets == KafkaSets::kSingle) properties.emplace_back("batch.num.messages", "1");
  AddSecurity(config, secrets, &properties);
  return properties;
}

KafkaProperties TransactionalPropertiesOf(const KafkaConfig& config, const KafkaSecrets& secrets,
                                          KafkaSets sets, const std::string& transactional_id) {
  KafkaProperties properties = KafkaPropertiesOf(config, secrets, sets);
  properties.insert(properties.end(),
                    {{"transactional.id", transactional_id},
                     // What is refused is aborted, and then sent again as a whole: no record needs
                     // to outlive its transaction, nor what stands behind it to be held back.
                     {"transaction.timeout.ms", "60000"},
                     {"message.timeout.ms", "60000"},
                     {"enable.gapless.guarantee", "false"}});
  return properties;
}

void LengthenTimeouts(KafkaProperties* properties, Duration by) {
  struct Timeout {
    const char* name;
    int64_t otherwise, max;  // milliseconds; 0: none
  };
  constexpr Timeout kTimeouts[] = {{"socket.timeout.ms", 60'000, 300'000},
                                   {"message.timeout.ms", 0, 900'000},
                                   {"transaction.timeout.ms", 0, 900'000}};
  if (by <= Duration{0}) return;
  for (const Timeout& timeout : kTimeouts) {
    int64_t now = timeout.otherwise;
    for (const auto& [name, value] : *properties) {
      if (name == timeout.name) std::from_chars(value.data(), value.data() + value.size(), now);
    }
    if (now == 0) continue;
    const int64_t longer = std::min(now + by / std::chrono::milliseconds(1), timeout.max);
    properties->emplace_back(timeout.name, std::to_string(std::max(now, longer)));
  }
}

KafkaProperties ReaderPropertiesOf(const KafkaConfig& config, const KafkaSecrets& secrets) {
  KafkaProperties properties = {{"client.id", "hinomi"}, {"socket.keepalive.enable", "true"}};
  properties.insert(properties.end(), config.settings.begin(), config.settings.end());
  AddBrokers(config, &properties);
  properties.emplace_back("isolation.level", "read_committed");
  properties.emplace_back("allow.auto.create.topics", "false");
  AddSecurity(config, secrets, &properties);
  return properties;
}

Result<KafkaSecrets> ReadKafkaSecrets(FileSystem& files, const KafkaConfig& config) {
  KafkaSecrets secrets;
  if (!config.password_file.empty()) {
    auto password = ReadSecret(files, config.password_file);
    if (!password) return password.error();
    secrets.password = std::move(*password);
  }
  const std::pair<const std::string&, std::string&> kFiles[] = {
      {config.ca_file, secrets.ca},
      {config.certificate_file, secrets.certificate},
      {config.key_file, secrets.key}};
  for (const auto& [path, content] : kFiles) {
    if (path.empty()) continue;
    auto read = files.ReadWhole(path, kPemBytesMax);
    if (!read) return read.error();
    content = std::move(*read);
  }
  return secrets;
}

}  // namespace hinomi
