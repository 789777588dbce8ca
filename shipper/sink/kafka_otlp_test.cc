// format: otlp against brokers that fail on demand, with both kinds of delivery.
#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>

#include "shipper/sink/kafka.h"
#include "shipper/sink/kafka_exactly_once.h"
#include "shipper/sink/kafka_mock.h"
#include "shipper/sink/otlp_fixture.h"

namespace hinomi {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Gt;
using testing::Lt;
using testing::SizeIs;

constexpr int kTooLarge = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;

class KafkaOtlpTest : public ::testing::TestWithParam<KafkaDelivery> {
 protected:
  static void SetUpTestSuite() { shared_ = std::make_unique<MockKafka>(); }
  static void TearDownTestSuite() { shared_.reset(); }

  KafkaOtlpTest() {
    kafka_.Reset();
    config_.name = "stream";
    config_.kafka.brokers = kafka_.brokers();
    config_.kafka.topic = topic_;
    config_.kafka.cursor_topic = topic_ + "-cursors";
    config_.kafka.format = KafkaFormat::kOtlp;
    config_.kafka.delivery = GetParam();
    config_.kafka.settings = {{"retry.backoff.ms", "5"},
                              {"topic.metadata.refresh.fast.interval.ms", "10"}};
    kafka_.CreateTopic(topic_);
    kafka_.CreateTopic(config_.kafka.cursor_topic);
    kafka_.Lead(topic_, 1);  // which refuses, while another broker takes the cursors
    kafka_.Lead(config_.kafka.cursor_topic, 2);
    RouteConfig& route = routes_.emplace_back();
    route.name = "all";
    route.sink = "stream";
  }
  static std::string TopicName() {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(name.begin(), name.end(), '/', '-');
    return name;
  }

  Batch MakeBatch(const std::vector<std::vector<std::string>>& bodies) {
    Batch batch = BatchOf(bodies);
    batch.number = ++batches_;
    for (Slice& slice : batch.slices) {
      slice.origin = std::make_shared<Origin>();
      slice.ranges = {{0, 0xabcdef, 0, 7}};
    }
    return batch;
  }
  Sink& sink() {
    if (sink_ != nullptr) return *sink_;
    const KafkaEnvironment environment{cluster_, topic_, files_, clock_, metrics_};
    if (GetParam() == KafkaDelivery::kExactlyOnce) {
      sink_ = std::make_unique<KafkaExactlyOnceSink>(config_, routes_, environment);
      Open();
    } else {
      sink_ = std::make_unique<KafkaSink>(config_, environment);
    }
    EXPECT_EQ(sink_->format(), RecordFormat::kOtlp);
    return *sink_;
  }
  void Open() {
    std::vector<KeptCursor> cursors;
    EXPECT_EQ(sink_->cursors()->Open(0, stop_.get_token(), &cursors).error, "");
  }
  /// Attempts until all is decided; what was rejected on the way.
  std::vector<Rejection> DeliverAll(Batch& batch) {
    std::vector<Rejection> rejected;
    for (int attempts = 0; attempts < 20; ++attempts) {
      const Attempt attempt = sink().Deliver(batch, 0, stop_.get_token());
      rejected.insert(rejected.end(), batch.rejections.begin(), batch.rejections.end());
      batch.rejections.clear();
      if (attempt.error.empty()) return rejected;
      if (attempt.reopen) Open();
    }
    ADD_FAILURE() << "never decided";
    return rejected;
  }
  static std::vector<Outcome> OutcomesOf(const Batch& batch) {
    std::vector<Outcome> outcomes;
    for (const BatchRecord& record : batch.records) outcomes.push_back(record.outcome);
    return outcomes;
  }
  /// Of all messages of the topic, each a request.
  std::vector<std::vector<std::string>> Stored() const {
    std::vector<std::vector<std::string>> stored;
    for (const std::string& value : kafka_.Read(topic_)) {
      otlp::ExportLogsServiceRequest request;
      EXPECT_TRUE(request.ParseFromString(value));
      stored.push_back(Lines(request));
    }
    return stored;
  }

  inline static std::unique_ptr<MockKafka> shared_;
  MockKafka& kafka_ = *shared_;
  const std::string topic_ = TopicName();
  const std::string cluster_ = "demo";
  SinkConfig config_;
  std::vector<RouteConfig> routes_;
  PosixFileSystem files_;
  SystemClock clock_;
  Metrics metrics_;
  std::stop_source stop_;
  uint64_t batches_ = 0;
  std::unique_ptr<Sink> sink_;
};

INSTANTIATE_TEST_SUITE_P(, KafkaOtlpTest,
                         testing::Values(KafkaDelivery::kAtLeastOnce, KafkaDelivery::kExactlyOnce),
                         [](const auto& info) {
                           return info.param == KafkaDelivery::kAtLeastOnce ? "AtLeastOnce"
                                                                            : "ExactlyOnce";
                         });

TEST_P(KafkaOtlpTest, AMessageIsARequestWithRecordsOfOneContainer) {
  for (int i = 0; i < 2; ++i) {
    Batch batch = MakeBatch({{"a", "b"}, {"c"}});
    EXPECT_THAT(DeliverAll(batch), testing::IsEmpty());
    EXPECT_THAT(OutcomesOf(batch), Each(Outcome::kAcknowledged));
  }
  EXPECT_THAT(Stored(), ElementsAre(ElementsAre("pod-0: a", "pod-0: b"), ElementsAre("pod-1: c"),
                                    ElementsAre("pod-0: a", "pod-0: b"), ElementsAre("pod-1: c")));
}

TEST_P(KafkaOtlpTest, WhatIsDecidedIsNotSentAgain) {
  Batch batch = MakeBatch({{"a", "b", "c"}});
  batch.records[1].outcome = Outcome::kAcknowledged;
  EXPECT_THAT(DeliverAll(batch), testing::IsEmpty());
  EXPECT_THAT(Stored(), ElementsAre(ElementsAre("pod-0: a", "pod-0: c")));
}

TEST_P(KafkaOtlpTest, MessagesAreLargeAndBelowTheBrokersLimit) {
  Batch batch = MakeBatch({std::vector<std::string>(250, std::string(10'000, 'x'))});
  EXPECT_THAT(DeliverAll(batch), testing::IsEmpty());
  const std::vector<std::string> values = kafka_.Read(topic_);
  ASSERT_EQ(values.size(), 3u);
  for (const std::string& value : values) {
    EXPECT_THAT(value.size(), AllOf(Gt(400'000u), Lt(1'000'000u)));
  }
}

TEST_P(KafkaOtlpTest, WhatTheLibraryDoesNotTakeIsADeadLetterAlone) {
  config_.kafka.settings["message.max.bytes"] = "5000";
  Batch batch = MakeBatch({{"a", std::string(6000, 'b'), "c"}, {"d"}});
  const std::vector<Rejection> rejected = DeliverAll(batch);
  ASSERT_THAT(rejected, SizeIs(1));
  EXPECT_EQ(rejected[0].record, 1u);
  EXPECT_EQ(rejected[0].type, "message_too_large");
  EXPECT_EQ(OutcomesOf(batch)[2], Outcome::kAcknowledged);
  std::vector<std::string> lines;
  for (const auto& some : Stored()) lines.insert(lines.end(), some.begin(), some.end());
  std::sort(lines.begin(), lines.end());
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  EXPECT_THAT(lines, ElementsAre("pod-0: a", "pod-0: c", "pod-1: d"));
}

TEST_P(KafkaOtlpTest, OnlyTheRecordThatIsRefusedAloneIsADeadLetter) {
  sink();
  Batch batch = MakeBatch({{"a", "b", "c"}});
  // The whole set, a large one, a small one, the first record.
  if (GetParam() == KafkaDelivery::kAtLeastOnce) {
    kafka_.FailProduceOf(1, {kTooLarge, kTooLarge, kTooLarge, kTooLarge});
  } else {
    for (int i = 0; i < 2; ++i) {
      kafka_.FailProduceOf(1, {kTooLarge});
      ASSERT_TRUE(sink().Deliver(batch, 0, stop_.get_token()).reopen) << "sets become smaller";
      Open();
    }
    kafka_.FailProduceOf(1, {kTooLarge, kTooLarge});
  }
  EXPECT_THAT(DeliverAll(batch), SizeIs(1));
  EXPECT_THAT(OutcomesOf(batch),
              ElementsAre(Outcome::kRejected, Outcome::kAcknowledged, Outcome::kAcknowledged));
}

TEST_P(KafkaOtlpTest, WhatBecomesOfAMessageBecomesOfItsRecords) {
  sink();
  kafka_.FailProduceOf(1, {RD_KAFKA_RESP_ERR_INVALID_RECORD});
  Batch batch = MakeBatch({{"a", "b", "c"}});
  const Attempt attempt = sink().Deliver(batch, 0, stop_.get_token());
  EXPECT_EQ(attempt.code, "record");
  EXPECT_THAT(OutcomesOf(batch), Each(Outcome::kPending));
  if (attempt.reopen) Open();
  EXPECT_THAT(DeliverAll(batch), testing::IsEmpty());
  EXPECT_THAT(OutcomesOf(batch), Each(Outcome::kAcknowledged));
}

}  // namespace
}  // namespace hinomi
