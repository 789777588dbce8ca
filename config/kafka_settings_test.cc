#include "config/kafka_settings.h"

#include <gmock/gmock.h>

namespace hinomi {
namespace {

using testing::HasSubstr;

TEST(KafkaSettings, TakesWhatBreaksNoPromise) {
  for (const char* name :
       {"linger.ms", "batch.num.messages", "batch.size", "message.max.bytes", "client.id",
        "socket.timeout.ms", "request.timeout.ms", "client.rack", "ssl.cipher.suites",
        "compression.level", "allow.auto.create.topics", "statistics.interval.ms"}) {
    EXPECT_EQ(CheckKafkaSetting(name), "") << name;
  }
}

TEST(KafkaSettings, RefusesWhatDoesAndSaysWhy) {
  const struct {
    const char* name;
    const char* reason;
  } kCases[] = {
      {"acks", "lose"},
      {"request.required.acks", "lose"},
      {"message.timeout.ms", "lose"},
      {"delivery.timeout.ms", "lose"},
      {"retries", "lose"},
      {"enable.idempotence", "twice"},
      {"enable.gapless.guarantee", "order"},
      {"max.in.flight.requests.per.connection", "order"},
      {"partitioner", "order"},
      {"queue.buffering.max.kbytes", "limits.in_flight_bytes_max"},
      {"bootstrap.servers", "use the key brokers"},
      {"compression.type", "use the key compression"},
      {"sasl.password", "password_file"},
      {"sasl.oauthbearer.client.secret", "password_file"},
      {"ssl.key.pem", "use the key key_file"},
      {"ssl.key.password", "use the key key_file"},
      {"ssl.ca.location", "use the key ca_file"},
      {"enable.ssl.certificate.verification", "verify"},
      {"plugin.library.paths", "runs code"},
      {"transactional.id", "transactions"},
      {"delivery.report.only.error", "report"},
      {"test.mock.num.brokers", "nowhere"},
      {"", "expected text"},
  };
  for (const auto& [name, reason] : kCases) {
    EXPECT_THAT(CheckKafkaSetting(name), HasSubstr(reason)) << name;
  }
}

TEST(KafkaSettings, ChecksHeaders) {
  for (const char* text :
       {"", "plain", "{namespace}/{pod}", "{cluster} {node} {container}", "a}b{"}) {
    EXPECT_EQ(CheckKafkaHeader(text), "") << text;
  }
  EXPECT_THAT(CheckKafkaHeader("{namespace}/{host}"), HasSubstr("got {host} in"));
  EXPECT_THAT(CheckKafkaHeader("{}"), HasSubstr("got {} in"));
}

}  // namespace
}  // namespace hinomi
