// One route's transactions against brokers that fail on demand. That the librdkafka mock writes a
// transaction as a whole, or not at all, is not what it can show: tests/integration does.
#include "shipper/sink/kafka_transactions.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>

#include "shipper/sink/kafka_mock.h"

namespace hinomi {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kLog[] = "/var/log/pods/shop_cart-0_uid/app/0.log";

class KafkaTransactionsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { shared_ = std::make_unique<MockKafka>(); }
  static void TearDownTestSuite() { shared_.reset(); }

  KafkaTransactionsTest() {
    kafka_.Reset();
    config_.brokers = kafka_.brokers();
    config_.topic = topic_;
    config_.cursor_topic = topic_ + "-cursors";
    config_.timeout = seconds(10);
    config_.settings = {{"retry.backoff.ms", "5"},
                        {"reconnect.backoff.ms", "5"},
                        {"reconnect.backoff.max.ms", "20"},
                        {"topic.metadata.refresh.fast.interval.ms", "10"}};
    kafka_.CreateTopic(topic_);
    kafka_.CreateTopic(config_.cursor_topic);
    origin_->path = kLog;
  }

  std::unique_ptr<KafkaTransactions> Make() {
    return std::make_unique<KafkaTransactions>(
        KafkaTransactions::Options{"stream", 1 << 20, config_, "all"},
        KafkaEnvironment{cluster_, topic_, files_, clock_, metrics_});
  }
  /// A new life of the sink, and the cursors that it found.
  std::unique_ptr<KafkaTransactions> Opened() {
    auto made = Make();
    Reopen(*made);
    return made;
  }
  void Reopen(KafkaTransactions& route) {
    cursors_.clear();
    const Attempt opened = route.Open(stop_.get_token(), &cursors_);
    EXPECT_EQ(opened.error, "");
  }
  Batch MakeBatch(size_t records, size_t bytes = 0) {
    Batch batch;
    batch.number = ++batches_;
    Slice slice;
    slice.origin = origin_;
    for (size_t i = 0; i < records; ++i) {
      sent_.push_back(fmt::format("{{\"n\":{}}}{}", sent_.size(), std::string(bytes, ' ')));
      const auto begin = static_cast<uint32_t>(batch.bytes.size());
      batch.bytes += sent_.back() + '\n';
      batch.records.push_back(
          {begin, static_cast<uint32_t>(batch.bytes.size()), 0, 7, {}, Outcome::kPending});
    }
    slice.ranges = {{0, 0xabcdef, offset_, offset_ + 7 * records}};
    offset_ += 7 * records;
    batch.slices.push_back(slice);
    return batch;
  }
  /// Attempts, with openings where they are asked for, until all is decided; the errors' codes.
  std::vector<std::string> DeliverAll(KafkaTransactions& route, Batch& batch) {
    std::vector<std::string> codes;
    while (codes.size() < 10) {
      Attempt attempt = route.Deliver(batch, stop_.get_token());
      rejected_.insert(rejected_.end(), batch.rejections.begin(), batch.rejections.end());
      batch.rejections.clear();
      if (attempt.error.empty()) return codes;
      codes.push_back(attempt.code);
      if (attempt.reopen) Reopen(route);
    }
    ADD_FAILURE() << "never decided";
    return codes;
  }

  inline static std::unique_ptr<MockKafka> shared_;
  MockKafka& kafka_ = *shared_;
  const std::string topic_ = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string cluster_ = "demo";
  KafkaConfig config_;
  PosixFileSystem files_;
  SystemClock clock_;
  Metrics metrics_;
  std::stop_source stop_;
  std::shared_ptr<Origin> origin_ = std::make_shared<Origin>();
  std::vector<std::string> sent_;
  std::vector<Rejection> rejected_;
  std::vector<KeptCursor> cursors_;
  uint64_t batches_ = 0, offset_ = 0;
};

// The mock tells nobody what a topic is set to. First, because the log swallows the eleventh line.
TEST_F(KafkaTransactionsTest, ThatNobodyKnowsWhetherCursorsAreKeptIsSaidOnce) {
  testing::internal::CaptureStderr();
  auto route = Opened();
  Reopen(*route);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("whether topic \"" + config_.cursor_topic + "\""));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

TEST_F(KafkaTransactionsTest, ANewLifeFindsTheCursors) {
  auto route = Opened();
  EXPECT_THAT(cursors_, IsEmpty());
  for (size_t records : {1, 1000, 3}) {
    Batch batch = MakeBatch(records);
    EXPECT_THAT(DeliverAll(*route, batch), IsEmpty());
  }
  EXPECT_EQ(kafka_.Read(topic_), sent_);
  route = Opened();
  EXPECT_THAT(cursors_, ElementsAre(KeptCursor{kLog, 0xabcdef, offset_, {}}));
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hinomi_kafka_transactions_total{outcome=\"committed\","
                                           "route=\"all\",sink=\"stream\"} 3\n"));
}

TEST_F(KafkaTransactionsTest, CursorsOfLogsThatAreGoneAreTakenAway) {
  auto route = Opened();
  Batch batch = MakeBatch(1);
  EXPECT_THAT(DeliverAll(*route, batch), IsEmpty());
  origin_ = std::make_shared<Origin>();
  origin_->path = "/var/log/pods/other/0.log";
  route->Forget({kLog});
  batch = MakeBatch(1);
  EXPECT_THAT(DeliverAll(*route, batch), IsEmpty());
  route = Opened();
  ASSERT_EQ(cursors_.size(), 1u);
  EXPECT_EQ(cursors_[0].log, origin_->path);
}

TEST_F(KafkaTransactionsTest, WhatCannotBeCommittedIsSentAgainAsAWhole) {
  auto route = Opened();
  kafka_.FailCommit({RD_KAFKA_RESP_ERR_INVALID_TXN_STATE});
  Batch batch = MakeBatch(10);
  EXPECT_THAT(DeliverAll(*route, batch), testing::SizeIs(1));
  for (const BatchRecord& record : batch.records) {
    EXPECT_EQ(record.outcome, Outcome::kAcknowledged);
  }
}

TEST_F(KafkaTransactionsTest, WhoIsFencedWaitsAndSaysSo) {
  auto route = Opened();
  kafka_.FailCommit({RD_KAFKA_RESP_ERR_PRODUCER_FENCED});
  Batch batch = MakeBatch(1);
  const Attempt attempt = route->Deliver(batch, stop_.get_token());
  EXPECT_TRUE(attempt.reopen);
  EXPECT_EQ(attempt.code, "fenced");
  EXPECT_THAT(attempt.error, HasSubstr("another agent with the same cluster, node and route"));
  EXPECT_EQ(attempt.retry_after, Duration(seconds(30)));
  Reopen(*route);
  EXPECT_THAT(DeliverAll(*route, batch), IsEmpty());
}

TEST_F(KafkaTransactionsTest, OnlyWhatIsRefusedAloneIsADeadLetter) {
  config_.settings["linger.ms"] = "100";  // one request per set, however slow we are
  kafka_.Lead(topic_, 1);                 // which refuses, while another broker takes the cursors
  kafka_.Lead(config_.cursor_topic, 2);
  auto route = Opened();
  Batch batch = MakeBatch(3);
  constexpr int kTooLarge = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
  for (int sets : {1, 2}) {  // all of it, and 1 MB of it
    kafka_.FailProduceOf(1, {kTooLarge});
    const Attempt attempt = route->Deliver(batch, stop_.get_token());
    EXPECT_EQ(attempt.code, "size") << sets;
    ASSERT_TRUE(attempt.reopen) << "sets become smaller";
    Reopen(*route);
  }
  kafka_.FailProduceOf(1, {kTooLarge, kTooLarge});  // 64 KiB of it, and then the first record alone
  EXPECT_THAT(DeliverAll(*route, batch), ElementsAre("size"));
  ASSERT_EQ(rejected_.size(), 1u);
  EXPECT_EQ(rejected_[0].record, 0u);
  EXPECT_EQ(rejected_[0].type, "message_too_large");
  EXPECT_EQ(batch.records[0].outcome, Outcome::kRejected);
  EXPECT_EQ(batch.records[2].outcome, Outcome::kAcknowledged);
}

TEST_F(KafkaTransactionsTest, NothingIsSentToARouteThatIsNotOpen) {
  auto route = Make();
  Batch batch = MakeBatch(1);
  EXPECT_TRUE(route->Deliver(batch, stop_.get_token()).reopen);
  EXPECT_EQ(batch.records[0].outcome, Outcome::kPending);
  Reopen(*route);
  EXPECT_THAT(DeliverAll(*route, batch), IsEmpty());
}

TEST_F(KafkaTransactionsTest, SaysWhenNoBrokerAnswers) {
  kafka_.SetDown(true);
  config_.timeout = std::chrono::milliseconds(700);
  const Attempt attempt = Make()->Open(stop_.get_token(), &cursors_);
  EXPECT_THAT(attempt.error, HasSubstr("cannot send to Kafka at"));
  EXPECT_NE(attempt.code, "");
}

}  // namespace
}  // namespace hinomi
