// The sink against brokers that fail on demand.
#include "shipper/sink/kafka.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>

#include <thread>

#include "base/metric_of.h"
#include "base/temporary_directory.h"
#include "shipper/sink/kafka_mock.h"

namespace hinomi {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class KafkaSinkTest : public ::testing::Test {
 protected:
  // One cluster for all, and a topic for each test.
  static void SetUpTestSuite() { shared_ = std::make_unique<MockKafka>(); }
  static void TearDownTestSuite() { shared_.reset(); }

  KafkaSinkTest() {
    kafka_.Reset();
    config_.name = "stream";
    config_.kafka.brokers = kafka_.brokers();
    config_.kafka.topic = topic_;
    config_.kafka.timeout = seconds(5);
    config_.kafka.settings = {{"retry.backoff.ms", "5"},
                              {"reconnect.backoff.ms", "5"},
                              {"reconnect.backoff.max.ms", "20"},
                              {"linger.ms", "1"},
                              {"topic.metadata.refresh.fast.interval.ms", "10"},
                              {"topic.metadata.propagation.max.ms", "200"}};
    kafka_.CreateTopic(topic_);
  }

  KafkaSink& sink() {
    if (sink_ == nullptr) {
      sink_ = std::make_unique<KafkaSink>(
          config_, KafkaEnvironment{cluster_, node_, files_, clock_, metrics_});
    }
    return *sink_;
  }
  // Records whose documents go on counting where the last batch ended.
  Batch MakeBatch(size_t records, size_t bytes = 0) {
    Batch batch;
    batch.number = ++batches_;
    Slice slice;
    slice.origin = origin_;
    batch.slices.push_back(slice);
    for (size_t i = 0; i < records; ++i) {
      sent_.push_back(fmt::format("{{\"n\":{}}}{}", sent_.size(), std::string(bytes, ' ')));
      const auto begin = static_cast<uint32_t>(batch.bytes.size());
      batch.bytes += sent_.back() + '\n';
      batch.records.push_back(
          {begin, static_cast<uint32_t>(batch.bytes.size()), 0, 7, {}, Outcome::kPending});
    }
    return batch;
  }
  static size_t Count(const Batch& batch, Outcome outcome) {
    size_t count = 0;
    for (const BatchRecord& record : batch.records) count += record.outcome == outcome ? 1 : 0;
    return count;
  }
  // Attempts until all is decided; the errors on the way.
  std::vector<Attempt> DeliverAll(Batch& batch) {
    std::vector<Attempt> failures;
    while (failures.size() < 20) {
      Attempt attempt = sink().Deliver(batch, 0, stop_.get_token());
      if (attempt.error.empty()) return failures;
      EXPECT_THAT(attempt.code, testing::Not(""));
      failures.push_back(std::move(attempt));
    }
    ADD_FAILURE() << "never decided: " << failures.back().error;
    return failures;
  }

  inline static std::unique_ptr<MockKafka> shared_;
  MockKafka& kafka_ = *shared_;
  const std::string topic_ = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  SinkConfig config_;
  const std::string cluster_ = "demo", node_ = "node-1";
  PosixFileSystem files_;
  SystemClock clock_;
  Metrics metrics_;
  TemporaryDirectory directory_;
  std::stop_source stop_;
  std::shared_ptr<Origin> origin_ = std::make_shared<Origin>();
  std::vector<std::string> sent_;
  uint64_t batches_ = 0;
  std::unique_ptr<KafkaSink> sink_;
};

TEST_F(KafkaSinkTest, DeliversInOrder) {
  for (size_t records : {1, 1000, 3}) {
    Batch batch = MakeBatch(records);
    EXPECT_THAT(DeliverAll(batch), IsEmpty());
    EXPECT_EQ(Count(batch, Outcome::kAcknowledged), records);
  }
  EXPECT_EQ(kafka_.Read(topic_), sent_);
}

TEST_F(KafkaSinkTest, SendsWhatIsPendingAlone) {
  Batch batch = MakeBatch(3);
  batch.records[1].outcome = Outcome::kAcknowledged;
  EXPECT_THAT(DeliverAll(batch), IsEmpty());
  sent_.erase(sent_.begin() + 1);
  EXPECT_EQ(kafka_.Read(topic_), sent_);
}

TEST_F(KafkaSinkTest, GivesARecordItsKeyAndHeaders) {
  config_.kafka.headers = {{"ns", "{namespace}"}, {"where", "{cluster}/{node}"}, {"none", ""}};
  config_.kafka.key = KafkaKey::kNamespace;
  Batch batch = MakeBatch(3);
  auto other = std::make_shared<Origin>();
  origin_->pod.namespace_name = "shop";
  other->pod.namespace_name = "team";
  batch.slices.push_back(batch.slices[0]);
  batch.slices[1].origin = other;
  batch.records[1].slice = 1;
  EXPECT_THAT(DeliverAll(batch), IsEmpty());
  const std::vector<MockRecord> records = kafka_.Records(topic_);
  ASSERT_EQ(records.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const std::string name = i == 1 ? "team" : "shop";
    const KafkaHeaders want = {{"none", ""}, {"ns", name}, {"where", "demo/node-1"}};
    EXPECT_EQ(records[i].value, sent_[i]);
    EXPECT_EQ(records[i].key, name);
    EXPECT_EQ(records[i].headers, want);
  }
}

TEST_F(KafkaSinkTest, GivesNoKeyIfNoneIsWanted) {
  config_.kafka.key = KafkaKey::kNone;
  origin_->pod.pod_uid = "uid";
  Batch batch = MakeBatch(2);
  EXPECT_THAT(DeliverAll(batch), IsEmpty());
  for (const MockRecord& record : kafka_.Records(topic_)) EXPECT_EQ(record.key, std::nullopt);
}

TEST_F(KafkaSinkTest, RejectsWhatTheLibraryDoesNotTakeWithHeaders) {
  config_.kafka.headers = {{"ns", "{namespace}"}};
  config_.kafka.settings["message.max.bytes"] = "5000";
  Batch batch = MakeBatch(1, 10'000);
  EXPECT_THAT(DeliverAll(batch), IsEmpty());
  EXPECT_EQ(Count(batch, Outcome::kRejected), 1u);
}

TEST_F(KafkaSinkTest, HearsOfTheBrokersWhileThereIsNothingToDo) {
  config_.kafka.settings["statistics.interval.ms"] = "20";
  Batch batch = MakeBatch(1000, 1000);
  DeliverAll(batch);
  const std::string sent = "hinomi_sink_sent_bytes_total{sink=\"stream\"}";
  const std::string requests = fmt::format(
      "hinomi_kafka_broker_requests_total{{broker=\"{}\",sink=\"stream\"}}", kafka_.brokers()[0]);
  const Duration end = clock_.Monotonic() + seconds(10);
  while (MetricOf(metrics_, sent) < 1000 && clock_.Monotonic() < end) {
    sink().Tidy();
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_GE(MetricOf(metrics_, sent), 1000);
  EXPECT_LT(MetricOf(metrics_, sent), 100'000) << "a megabyte, compressed";
  EXPECT_GE(MetricOf(metrics_, requests), 0);
}

TEST_F(KafkaSinkTest, TidyingLosesNoAnswer) {
  config_.kafka.timeout = milliseconds(50);
  Batch first = MakeBatch(1);
  DeliverAll(first);
  kafka_.SetDelay(300);
  Batch batch = MakeBatch(5);
  EXPECT_EQ(sink().Deliver(batch, 0, stop_.get_token()).code, "timeout");
  for (int i = 0; i < 100; ++i) {
    sink().Tidy();
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(sink().Deliver(batch, 0, stop_.get_token()).error, "");
  kafka_.SetDelay(0);
  EXPECT_EQ(kafka_.Read(topic_), sent_);
}

TEST_F(KafkaSinkTest, SaysAtOnceWhatWasHeardMeanwhile) {
  Batch first = MakeBatch(2);
  DeliverAll(first);
  kafka_.SetDown(true);
  for (int i = 0; i < 200; ++i) {
    sink().Tidy();
    std::this_thread::sleep_for(milliseconds(10));
  }
  Batch batch = MakeBatch(1);
  const auto began = clock_.Monotonic();
  EXPECT_EQ(sink().Deliver(batch, 0, stop_.get_token()).code, "transport");
  EXPECT_LT(clock_.Monotonic() - began, seconds(4));
}

TEST_F(KafkaSinkTest, TriesWithoutARecord) {
  EXPECT_EQ(sink().Try(stop_.get_token()).error, "");
  kafka_.SetTopicError(topic_, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  Attempt attempt = sink().Try(stop_.get_token());
  EXPECT_EQ(attempt.code, "authorization");
  EXPECT_THAT(attempt.error, HasSubstr("cannot send to topic \"" + topic_ + "\" of Kafka at "));
  kafka_.SetTopicError(topic_, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  attempt = sink().Try(stop_.get_token());
  EXPECT_EQ(attempt.code, "topic");
  EXPECT_THAT(attempt.error, HasSubstr("create the topic"));
  EXPECT_THAT(attempt.error, HasSubstr("they do not tell")) << "the mock tells no settings";
  kafka_.SetTopicError(topic_, RD_KAFKA_RESP_ERR_NO_ERROR);
  EXPECT_THAT(kafka_.Read(topic_), IsEmpty());
  Batch batch = MakeBatch(1);
  EXPECT_THAT(DeliverAll(batch), IsEmpty()) << "it delivers as before";
}

// Whatever a broker answers once: everything arrives, in order, nothing twice, no dead letter.
TEST_F(KafkaSinkTest, SurvivesEveryError) {
  // In one request each: the mock, unlike a broker, takes the second one after the first has
  // failed, and the library then holds the first for delivered.
  config_.kafka.settings["linger.ms"] = "20";
  const rd_kafka_err_desc* descriptions = nullptr;
  size_t count = 0;
  rd_kafka_get_err_descs(&descriptions, &count);
  size_t tried = 0;
  for (size_t i = 0; i < count; ++i) {
    const int error = descriptions[i].code;
    // The broker says that it has the records already, which this one has not.
    if (descriptions[i].desc == nullptr || error <= 0 ||
        error == RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER) {
      continue;
    }
    SCOPED_TRACE(descriptions[i].name);
    kafka_.FailProduce({error});
    Batch batch = MakeBatch(3);
    const std::vector<Attempt> failures = DeliverAll(batch);
    EXPECT_LE(failures.size(), 1u);
    EXPECT_THAT(batch.rejections, IsEmpty());
    EXPECT_EQ(Count(batch, Outcome::kAcknowledged), 3u);
    ++tried;
  }
  EXPECT_GT(tried, 90u);
  EXPECT_EQ(kafka_.Read(topic_), sent_);
}

TEST_F(KafkaSinkTest, NamesTheRefusalAndTheCure) {
  const struct {
    int error;
    const char* code;
    const char* words;
  } kCases[] = {
      {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "authorization", "allow the user"},
      {RD_KAFKA_RESP_ERR_INVALID_RECORD, "record", "what the topic demands"},
      {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, "policy", "policy refuses"},
  };
  for (const auto& [error, code, words] : kCases) {
    kafka_.FailProduce({error});
    Batch batch = MakeBatch(2);
    const std::vector<Attempt> failures = DeliverAll(batch);
    ASSERT_EQ(failures.size(), 1u);
    EXPECT_EQ(failures[0].code, code);
    EXPECT_THAT(failures[0].error, HasSubstr(words));
    EXPECT_THAT(failures[0].error,
                HasSubstr("cannot send to topic \"" + topic_ + "\" of Kafka at \"127."));
  }
}

TEST_F(KafkaSinkTest, WaitsOnWithoutSendingAgain) {
  config_.kafka.timeout = milliseconds(100);
  Batch first = MakeBatch(2);
  DeliverAll(first);
  kafka_.SetDelay(600);
  Batch batch = MakeBatch(10);
  const std::vector<Attempt> failures = DeliverAll(batch);
  EXPECT_GE(failures.size(), 2u);
  EXPECT_EQ(failures[0].code, "timeout");
  EXPECT_THAT(failures[0].error, HasSubstr("10 records are not acknowledged within 100 ms"));
  kafka_.SetDelay(0);
  EXPECT_EQ(kafka_.Read(topic_), sent_);
}

TEST_F(KafkaSinkTest, SaysAtOnceThatNoBrokerIsThere) {
  Batch first = MakeBatch(2);
  DeliverAll(first);
  kafka_.SetDown(true);
  Batch batch = MakeBatch(5);
  const auto began = clock_.Monotonic();
  const Attempt attempt = sink().Deliver(batch, 0, stop_.get_token());
  EXPECT_EQ(attempt.code, "transport");
  EXPECT_LT(clock_.Monotonic() - began, seconds(4));
  EXPECT_EQ(Count(batch, Outcome::kPending), 5u);
  kafka_.SetDown(false);
  DeliverAll(batch);
  EXPECT_EQ(kafka_.Read(topic_), sent_);
}

TEST_F(KafkaSinkTest, StopsAtOnceAndEndsInTime) {
  kafka_.SetDown(true);
  config_.kafka.timeout = seconds(30);
  Batch batch = MakeBatch(5);
  const auto began = clock_.Monotonic();
  stop_.request_stop();
  EXPECT_THAT(sink().Deliver(batch, 0, stop_.get_token()).code, AnyOf("stopped", "transport"));
  sink_.reset();
  EXPECT_LT(clock_.Monotonic() - began, seconds(3));
}

TEST_F(KafkaSinkTest, ForgetsABatchThatWasTakenBack) {
  config_.kafka.timeout = milliseconds(50);
  kafka_.SetDelay(300);
  Batch forgotten = MakeBatch(5);
  EXPECT_EQ(sink().Deliver(forgotten, 0, stop_.get_token()).code, "timeout");
  kafka_.SetDelay(0);
  Batch batch = MakeBatch(2);  // has fewer records: no late report may reach it
  DeliverAll(batch);
  EXPECT_EQ(Count(batch, Outcome::kAcknowledged), 2u);
  const std::vector<std::string> stored = kafka_.Read(topic_);
  ASSERT_GE(stored.size(), 2u);
  EXPECT_EQ(stored.back(), sent_.back());
}

TEST_F(KafkaSinkTest, RejectsWhatTheLibraryDoesNotTake) {
  config_.kafka.settings["message.max.bytes"] = "5000";
  Batch batch = MakeBatch(3);
  Batch large = MakeBatch(1, 10'000);
  sent_.pop_back();
  const uint32_t begin = batch.records[1].begin;
  batch.bytes += large.bytes;
  batch.records.insert(batch.records.begin() + 1, batch.records[1]);
  batch.records[1].begin = static_cast<uint32_t>(batch.bytes.size() - large.bytes.size());
  batch.records[1].end = static_cast<uint32_t>(batch.bytes.size());
  ASSERT_EQ(batch.records[2].begin, begin);
  EXPECT_THAT(DeliverAll(batch), IsEmpty());
  ASSERT_EQ(batch.rejections.size(), 1u);
  EXPECT_EQ(batch.rejections[0].record, 1u);
  EXPECT_EQ(batch.rejections[0].type, "message_too_large");
  EXPECT_EQ(batch.records[1].outcome, Outcome::kRejected);
  EXPECT_EQ(Count(batch, Outcome::kAcknowledged), 3u);
  EXPECT_EQ(kafka_.Read(topic_), sent_);
}

TEST_F(KafkaSinkTest, RejectsOnlyWhatIsRefusedAlone) {
  const int kTooLarge = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
  config_.kafka.settings["linger.ms"] = "100";  // one request per set, however slow we are
  // The whole set, a large one, a small one, the first record.
  kafka_.FailProduce({kTooLarge, kTooLarge, kTooLarge, kTooLarge});
  Batch batch = MakeBatch(5);
  EXPECT_THAT(DeliverAll(batch), IsEmpty());
  ASSERT_EQ(batch.rejections.size(), 1u);
  EXPECT_EQ(batch.rejections[0].record, 0u);
  EXPECT_EQ(Count(batch, Outcome::kAcknowledged), 4u);
  sent_.erase(sent_.begin());
  EXPECT_EQ(kafka_.Read(topic_), sent_);
}

TEST_F(KafkaSinkTest, WaitsForAMissingTopic) {
  kafka_.SetTopicError(topic_, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  Batch batch = MakeBatch(3);
  const Attempt attempt = sink().Deliver(batch, 0, stop_.get_token());
  EXPECT_EQ(attempt.code, "topic");
  EXPECT_THAT(attempt.error, HasSubstr("create the topic"));
  EXPECT_EQ(Count(batch, Outcome::kPending), 3u);
  kafka_.SetTopicError(topic_, RD_KAFKA_RESP_ERR_NO_ERROR);
  DeliverAll(batch);
  EXPECT_EQ(kafka_.Read(topic_), sent_);
}

TEST_F(KafkaSinkTest, SaysThatASecretCannotBeRead) {
  config_.kafka.username = "u";
  config_.kafka.password_file = directory_ / "password";
  Batch batch = MakeBatch(1);
  const Attempt attempt = sink().Deliver(batch, 0, stop_.get_token());
  EXPECT_EQ(attempt.code, "secret");
  EXPECT_THAT(attempt.error, HasSubstr("password"));
}

TEST_F(KafkaSinkTest, SaysThatCertificatesAreNone) {
  directory_.Append("ca.crt", "no certificate");
  config_.kafka.tls = true;
  config_.kafka.ca_file = directory_ / "ca.crt";
  Batch batch = MakeBatch(1);
  const Attempt attempt = sink().Deliver(batch, 0, stop_.get_token());
  EXPECT_EQ(attempt.code, "settings");
  EXPECT_THAT(attempt.error, HasSubstr("ssl.ca.pem"));
}

TEST(KafkaProducerCheck, AsksTheLibraryAboutSettings) {
  KafkaConfig config;
  EXPECT_THAT(KafkaProducer::Check(config), IsEmpty());
  config.settings = {{"linger.ms", "20"}, {"client.rack", "a"}};
  EXPECT_THAT(KafkaProducer::Check(config), IsEmpty());
  config.settings = {{"linger.mss", "20"}, {"batch.size", "many"}, {"client.rack", "a"}};
  const auto problems = KafkaProducer::Check(config);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].first, "batch.size");
  EXPECT_EQ(problems[1].first, "linger.mss");
  EXPECT_THAT(problems[1].second, HasSubstr("linger.mss"));
}

}  // namespace
}  // namespace hinomi
