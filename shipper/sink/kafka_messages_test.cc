#include "shipper/sink/kafka_messages.h"

#include <gmock/gmock.h>

#include <memory>
#include <numeric>

#include "shipper/sink/otlp_fixture.h"

namespace hinomi {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Lt;

class KafkaMessagesTest : public ::testing::Test {
 protected:
  KafkaMessagesTest() {
    config_.topic = "logs-{namespace}";
    config_.format = KafkaFormat::kOtlp;
  }
  /// Of the pods pod-0, pod-1, … of namespaces of the same number.
  static Batch BatchOf(const std::vector<std::vector<std::string>>& bodies) {
    Batch batch = hinomi::BatchOf(bodies);
    for (size_t i = 0; i < batch.slices.size(); ++i) {
      auto origin = std::make_shared<Origin>();
      origin->pod.namespace_name = fmt::format("ns{}", i);
      origin->pod.pod_uid = fmt::format("uid-{}", i);
      batch.slices[i].origin = origin;
    }
    return batch;
  }
  static std::vector<uint32_t> AllOf(const Batch& batch) {
    std::vector<uint32_t> all(batch.records.size());
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  static std::vector<std::string> LinesOf(const KafkaMessage& message) {
    otlp::ExportLogsServiceRequest request;
    EXPECT_TRUE(request.ParseFromString(std::string(message.payload)));
    EXPECT_EQ(request.resource_logs_size(), 1);
    return Lines(request);
  }
  /// Sizes of the messages of one topic, which together have all records, in their order.
  std::vector<size_t> SizesOf(const Batch& batch, KafkaSets sets) {
    KafkaMessages messages(config_, {"demo", "node-1"});
    const KafkaMessages::ByTopic by_topic = messages.Of(batch, AllOf(batch), sets);
    std::vector<size_t> sizes;
    std::vector<uint32_t> records;
    for (const KafkaMessage& message : by_topic.begin()->second) {
      sizes.push_back(message.payload.size());
      const auto its = messages.RecordsOf(message.number);
      EXPECT_EQ(LinesOf(message).size(), its.size());
      records.insert(records.end(), its.begin(), its.end());
    }
    EXPECT_EQ(records, AllOf(batch));
    return sizes;
  }

  KafkaConfig config_;
};

TEST_F(KafkaMessagesTest, AMessageHasRecordsOfOneSliceInTheirOrder) {
  const Batch batch = BatchOf({{"a", "b", "c"}, {}, {"d", "e"}});
  config_.headers = {{"ns", "{namespace}"}};
  KafkaMessages messages(config_, {"demo", "node-1"});
  const KafkaMessages::ByTopic by_topic = messages.Of(batch, AllOf(batch), KafkaSets::kWhole);
  ASSERT_EQ(by_topic.size(), 2u);
  const KafkaMessage& first = by_topic.at("logs-ns0").at(0);
  EXPECT_THAT(LinesOf(first), ElementsAre("pod-0: a", "pod-0: b", "pod-0: c"));
  EXPECT_THAT(messages.RecordsOf(first.number), ElementsAre(0, 1, 2));
  EXPECT_EQ(first.key, "uid-0");
  EXPECT_THAT(*first.headers, ElementsAre(testing::Pair("ns", "ns0")));
  const KafkaMessage& second = by_topic.at("logs-ns2").at(0);
  EXPECT_THAT(LinesOf(second), ElementsAre("pod-2: d", "pod-2: e"));
  EXPECT_THAT(messages.RecordsOf(second.number), ElementsAre(3, 4));
  EXPECT_EQ(second.key, "uid-2");
}

TEST_F(KafkaMessagesTest, WhatIsNotAskedForIsLeftOut) {
  const Batch batch = BatchOf({{"a", "b", "c"}});
  KafkaMessages messages(config_, {"demo", "node-1"});
  const std::vector<uint32_t> some = {0, 2};
  const KafkaMessages::ByTopic by_topic = messages.Of(batch, some, KafkaSets::kWhole);
  EXPECT_THAT(LinesOf(by_topic.at("logs-ns0").at(0)), ElementsAre("pod-0: a", "pod-0: c"));
  EXPECT_THAT(messages.RecordsOf(0), ElementsAre(0, 2));
  EXPECT_THAT(messages.Of(batch, {}, KafkaSets::kWhole), IsEmpty());
}

TEST_F(KafkaMessagesTest, ASliceThatIsLargerIsSplit) {
  const Batch batch = BatchOf({std::vector<std::string>(300, std::string(10'000, 'x'))});
  for (const auto& [sets, bytes_max, messages] : {std::tuple{KafkaSets::kWhole, 1'000'000u, 4u},
                                                  {KafkaSets::kLarge, 1'000'000u, 4u},
                                                  {KafkaSets::kSmall, 65'536u, 50u},
                                                  {KafkaSets::kSingle, 11'000u, 300u}}) {
    const std::vector<size_t> sizes = SizesOf(batch, sets);
    EXPECT_EQ(sizes.size(), messages);
    EXPECT_THAT(sizes, testing::Each(Lt(bytes_max)));
  }
  config_.settings = {{"message.max.bytes", "35000"}};
  EXPECT_EQ(SizesOf(batch, KafkaSets::kWhole).size(), 100u);
  config_.headers = {{"large", std::string(5000, 'x')}};
  EXPECT_EQ(SizesOf(batch, KafkaSets::kWhole).size(), 150u) << "headers count too";
  config_.settings = {{"message.max.bytes", "1000"}};
  EXPECT_EQ(SizesOf(batch, KafkaSets::kWhole).size(), 300u) << "the library refuses those";
}

TEST_F(KafkaMessagesTest, ADocumentIsAMessage) {
  config_.format = KafkaFormat::kJson;
  config_.key = KafkaKey::kNone;
  Batch batch = BatchOf({{"x"}});
  batch.bytes = "{\"a\":1}\n{}\n";
  batch.records = {{0, 8, 0, 7, {}}, {8, 11, 0, 7, {}}};
  KafkaMessages messages(config_, {"demo", "node-1"});
  const auto by_topic = messages.Of(batch, AllOf(batch), KafkaSets::kWhole);
  const std::vector<KafkaMessage>& two = by_topic.at("logs-ns0");
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].payload, "{\"a\":1}");
  EXPECT_EQ(two[1].payload, "{}");
  EXPECT_EQ(two[1].key.data(), nullptr);
  EXPECT_THAT(messages.RecordsOf(1), ElementsAre(1));
  messages.Reject(0, &batch);
  EXPECT_EQ(batch.records[0].outcome, Outcome::kRejected);
  EXPECT_THAT(batch.rejections.at(0).reason, testing::StartsWith("a message of 7 bytes is more"));
}

}  // namespace
}  // namespace hinomi
