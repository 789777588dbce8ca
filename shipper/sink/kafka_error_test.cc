#include "shipper/sink/kafka_error.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

namespace hinomi {
namespace {

TEST(KafkaError, HasACodeAndWordsForEveryError) {
  const rd_kafka_err_desc* descriptions = nullptr;
  size_t count = 0;
  rd_kafka_get_err_descs(&descriptions, &count);
  for (size_t i = 0; i < count; ++i) {
    if (descriptions[i].desc == nullptr) continue;
    const KafkaError error = KafkaErrorOf(descriptions[i].code);
    EXPECT_FALSE(error.code.empty()) << descriptions[i].name;
    EXPECT_FALSE(error.text.empty()) << descriptions[i].name;
  }
}

TEST(KafkaError, TellsOperatorsWhatToDo) {
  const struct {
    int error;
    std::string_view code;
    bool hopeless;
  } kCases[] = {
      {RD_KAFKA_RESP_ERR__TRANSPORT, "transport", false},
      {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "transport", true},
      {RD_KAFKA_RESP_ERR__RESOLVE, "resolve", true},
      {RD_KAFKA_RESP_ERR__SSL, "tls", true},
      {RD_KAFKA_RESP_ERR__AUTHENTICATION, "authentication", true},
      {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "topic", false},
      {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "authorization", false},
      {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, "replicas", false},
  };
  for (const auto& [error, code, hopeless] : kCases) {
    EXPECT_EQ(KafkaErrorOf(error).code, code);
    EXPECT_EQ(KafkaErrorOf(error).hopeless, hopeless) << code;
    EXPECT_NE(KafkaErrorOf(error).remedy, "") << code;
  }
  EXPECT_EQ(KafkaErrorOf(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION).code, "other");
}

TEST(KafkaError, KnowsTheCauseBehindABrokenConnection) {
  const char* const kRefused =
      "ssl://k:9093/bootstrap: Receive failed: error:0A000412:SSL routines::sslv3 alert bad "
      "certificate: SSL alert number 42 (after 7ms in state APIVERSION_QUERY)";
  EXPECT_EQ(KafkaErrorOf(KafkaCauseOf(RD_KAFKA_RESP_ERR__TRANSPORT, kRefused)).code, "tls");
  const char* const kSilent =
      "k:9092/1: ApiVersionRequest failed: Local: Timed out: probably due to broker version < 0.10";
  EXPECT_EQ(KafkaErrorOf(KafkaCauseOf(RD_KAFKA_RESP_ERR__TRANSPORT, kSilent)).code, "timeout");
  EXPECT_EQ(KafkaCauseOf(RD_KAFKA_RESP_ERR__TRANSPORT, "Connection refused"),
            RD_KAFKA_RESP_ERR__TRANSPORT);
}

}  // namespace
}  // namespace hinomi
