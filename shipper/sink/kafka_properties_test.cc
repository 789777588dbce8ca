#include "shipper/sink/kafka_properties.h"

#include <gmock/gmock.h>

#include <map>

namespace hinomi {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Key;
using testing::Not;
using testing::Pair;

/// What is in effect: the last one of a name counts.
std::map<std::string, std::string> Effective(const KafkaConfig& config,
                                             const KafkaSecrets& secrets = {},
                                             KafkaSets sets = KafkaSets::kWhole) {
  std::map<std::string, std::string> effective;
  for (const auto& [name, value] : KafkaPropertiesOf(config, secrets, sets)) {
    effective[name] = value;
  }
  return effective;
}

TEST(KafkaProperties, KeepThePromises) {
  KafkaConfig config;
  config.brokers = {"a:1", "b:2"};
  config.settings = {{"acks", "0"}, {"message.timeout.ms", "1"}, {"client.id", "mine"}};
  EXPECT_THAT(
      Effective(config),
      AllOf(Contains(Pair("bootstrap.servers", "a:1,b:2")), Contains(Pair("acks", "all")),
            Contains(Pair("enable.idempotence", "true")), Contains(Pair("message.timeout.ms", "0")),
            Contains(Pair("compression.type", "zstd")), Contains(Pair("client.id", "mine")),
            Contains(Pair("security.protocol", "PLAINTEXT")), Not(Contains(Key("sasl.username"))),
            Contains(Pair("compression.level", "1"))));
  config.compression = KafkaCompression::kGzip;
  EXPECT_THAT(Effective(config), Not(Contains(Key("compression.level"))));
}

TEST(KafkaProperties, ChooseTheSecurity) {
  KafkaConfig config;
  config.tls = true;
  EXPECT_THAT(
      Effective(config, {"", "CA", "CERT", "KEY"}),
      AllOf(Contains(Pair("security.protocol", "SSL")), Contains(Pair("ssl.ca.pem", "CA")),
            Contains(Pair("ssl.certificate.pem", "CERT")), Contains(Pair("ssl.key.pem", "KEY"))));
  config.username = "u";
  config.sasl = SaslMechanism::kScramSha256;
  EXPECT_THAT(
      Effective(config, {"secret", "", "", ""}),
      AllOf(Contains(Pair("security.protocol", "SASL_SSL")),
            Contains(Pair("sasl.mechanism", "SCRAM-SHA-256")), Contains(Pair("sasl.username", "u")),
            Contains(Pair("sasl.password", "secret")), Not(Contains(Key("ssl.ca.pem")))));
  config.tls = false;
  EXPECT_THAT(Effective(config), Contains(Pair("security.protocol", "SASL_PLAINTEXT")));
}

TEST(KafkaProperties, MakeSetsSmaller) {
  KafkaConfig config;
  EXPECT_EQ(FirstKafkaSets(config), KafkaSets::kWhole);
  EXPECT_THAT(Effective(config, {}, KafkaSets::kWhole), Contains(Pair("batch.size", "4194304")));
  EXPECT_THAT(Effective(config, {}, KafkaSets::kLarge), Contains(Pair("batch.size", "1000000")));
  config.compression = KafkaCompression::kNone;
  EXPECT_EQ(FirstKafkaSets(config), KafkaSets::kLarge);
  config.settings = {{"batch.size", "900000"}, {"batch.num.messages", "500"}};
  EXPECT_THAT(Effective(config, {}, KafkaSets::kLarge), Contains(Pair("batch.size", "900000")));
  EXPECT_THAT(Effective(config, {}, KafkaSets::kSmall), Contains(Pair("batch.size", "65536")));
  EXPECT_THAT(Effective(config, {}, KafkaSets::kSingle), Contains(Pair("batch.num.messages", "1")));
}

TEST(KafkaProperties, LengthenTheTimeoutsThatRunWhileItSends) {
  const auto lengthened = [](KafkaProperties properties, Duration by) {
    LengthenTimeouts(&properties, by);
    return std::map<std::string, std::string>(properties.rbegin(), properties.rend());
  };
  using std::chrono::seconds;
  KafkaConfig config;
  KafkaProperties plain = KafkaPropertiesOf(config, {}, KafkaSets::kWhole);
  EXPECT_THAT(lengthened(plain, seconds(0)), Not(Contains(Key("socket.timeout.ms"))));
  EXPECT_THAT(lengthened(plain, seconds(30)), AllOf(Contains(Pair("socket.timeout.ms", "90000")),
                                                    Contains(Pair("message.timeout.ms", "0")),
                                                    Not(Contains(Key("transaction.timeout.ms")))));
  EXPECT_THAT(lengthened(plain, seconds(1000)), Contains(Pair("socket.timeout.ms", "300000")));
  config.settings = {{"socket.timeout.ms", "10000"}};
  plain = TransactionalPropertiesOf(config, {}, KafkaSets::kWhole, "id");
  EXPECT_THAT(lengthened(plain, seconds(30)),
              AllOf(Contains(Pair("socket.timeout.ms", "40000")),
                    Contains(Pair("message.timeout.ms", "90000")),
                    Contains(Pair("transaction.timeout.ms", "90000"))));
}

}  // namespace
}  // namespace hinomi
