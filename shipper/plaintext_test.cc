#include "shipper/plaintext.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace hinomi {
namespace {

TEST(SendsPlaintext, Elasticsearch) {
  const std::pair<const char*, bool> cases[] = {
      {"https://es.test:9200", false},   {"http://es.test:9200", true},
      {"http://es.test", true},          {"http://localhost:9200", false},
      {"http://127.0.0.1:9200", false},  {"http://127.9.9.9", false},
      {"http://[::1]:9200", false},      {"http://[::1]", false},
      {"http://[fd00::1]:9200", true},   {"http://10.0.0.1:9200", true},
      {"http://localhost.test", true},   {"http://127.0.0.1.test:9200", true},
      {"https://127.0.0.1:9200", false},
  };
  for (const auto& [endpoint, want] : cases) {
    SinkConfig sink;
    sink.type = SinkType::kElasticsearch;
    sink.elasticsearch.endpoints = {"https://es.test", endpoint};
    EXPECT_EQ(SendsPlaintext(sink), want) << endpoint;
  }
}

TEST(SendsPlaintext, Kafka) {
  SinkConfig sink;
  sink.type = SinkType::kKafka;
  sink.kafka.brokers = {"127.0.0.1:9092", "[::1]:9092"};
  EXPECT_FALSE(SendsPlaintext(sink));
  sink.kafka.brokers.emplace_back("kafka.test:9092");
  EXPECT_TRUE(SendsPlaintext(sink));
  sink.kafka.tls = true;
  EXPECT_FALSE(SendsPlaintext(sink));
}

TEST(SendsPlaintext, WhatStaysHere) {
  for (const SinkType type : {SinkType::kArchive, SinkType::kStdout}) {
    SinkConfig sink;
    sink.type = type;
    EXPECT_FALSE(SendsPlaintext(sink));
  }
}

}  // namespace
}  // namespace hinomi
