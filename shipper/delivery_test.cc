#include "shipper/delivery.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"

namespace hinomi {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Only the state machine is under test: the test plays the part of the sink, but where lanes run.
class NoSink final : public Sink {
 public:
  Duration patience() const override { return std::chrono::seconds(10); }
  void Tidy() override {
    if (tidy) tidy();
  }
  bool Mended() override { return mended.exchange(false); }
  std::function<void()> tidy;
  std::atomic<bool> mended = false;
  RecordFormat format() const override { return RecordFormat::kJson; }
  Attempt Deliver(Batch&, uint32_t, const std::stop_token&) override {
    ++delivered;
    return {"not now", "busy", std::chrono::minutes(1)};
  }
  std::atomic<int> delivered = 0;
  uint32_t concurrency() const override { return lanes; }
  uint32_t lanes = 1;
};

class KeepingSink final : public Sink, public CursorKeeper {
 public:
  RecordFormat format() const override { return RecordFormat::kJson; }
  Attempt Deliver(Batch&, uint32_t, const std::stop_token&) override { return {}; }
  CursorKeeper* cursors() override { return this; }
  Attempt Open(uint32_t, const std::stop_token&, std::vector<KeptCursor>*) override { return {}; }
  void Forget(uint32_t, std::vector<std::string>) override {}
};

class DeliveryTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kBatchBytes = 1000;

  Delivery Make(uint64_t in_flight_bytes_max = 3 * kBatchBytes) {
    return Delivery(
        {"search", {"all", "other"}, kBatchBytes, in_flight_bytes_max},
        {sink_, dead_letters_, clock_, metrics_,
         [this](const Batch& batch) { settled_.push_back(batch.slices); }, [this] { ++room_; }});
  }
  // A batch of so many records, one slice, ten bytes each.
  void Enqueue(Delivery& delivery, uint32_t records, uint32_t route = 0) {
    std::unique_ptr<Batch> batch = delivery.NewBatch(route);
    ASSERT_NE(batch, nullptr);
    Slice slice;
    slice.origin = origin_;
    slice.records = records;
    batch->slices.push_back(slice);
    for (uint32_t i = 0; i < records; ++i) {
      batch->records.push_back({i * 10, i * 10 + 10, 0, 7, {}, Outcome::kPending});
      batch->bytes += "0123456789";
    }
    delivery.Enqueue(std::move(batch));
  }
  std::unique_ptr<Batch> Take(Delivery& delivery) {
    std::unique_ptr<Batch> batch = delivery.Take(&wait_);
    if (batch != nullptr) batch->pending_before = static_cast<uint32_t>(batch->records.size());
    return batch;
  }
  static void Decide(Batch& batch, Outcome outcome) {
    for (uint32_t i = 0; i < batch.records.size(); ++i) {
      batch.records[i].outcome = outcome;
      if (outcome == Outcome::kRejected) batch.rejections.push_back({i, "parsing", "bad"});
    }
  }
  // Fails what is taken until the delivery sheds.
  void FailFor(Delivery& delivery, Duration time) {
    const Duration until = clock_.Monotonic() + time;
    while (clock_.Monotonic() < until) {
      std::unique_ptr<Batch> batch = Take(delivery);
      if (batch != nullptr)
        delivery.Complete(std::move(batch), {"connection refused", "connect", {}});
      clock_.Advance(std::chrono::milliseconds(100));
    }
  }

  PosixFileSystem files_;
  ManualClock clock_;
  Metrics metrics_;
  TemporaryDirectory directory_;
  DeadLetters dead_letters_{{.directory = directory_ / "dead_letters"}, {files_, clock_, metrics_}};
  NoSink sink_;
  std::shared_ptr<Origin> origin_ = std::make_shared<Origin>();
  Duration wait_{0};
  std::vector<std::vector<Slice>> settled_;
  int room_ = 0;
};

TEST_F(DeliveryTest, HighRoutesGoFirstAndHaveRoom) {
  Delivery delivery = Make(5 * kBatchBytes);
  delivery.SetRoutes({"all", "other"}, {1});
  Enqueue(delivery, 100);
  Enqueue(delivery, 101);
  Enqueue(delivery, 102);
  EXPECT_EQ(delivery.NewBatch(0), nullptr) << "room for a batch stays free";
  Enqueue(delivery, 11, 1);
  Enqueue(delivery, 12, 1);
  const auto fail_first = [&] {
    std::unique_ptr<Batch> batch = Take(delivery);
    if (batch == nullptr) return size_t{0};
    const size_t records = batch->records.size();
    delivery.Complete(std::move(batch), {"connection refused", "connect", {}});
    clock_.Advance(std::chrono::seconds(20));
    return records;
  };
  const auto deliver_first = [&] {
    std::unique_ptr<Batch> batch = Take(delivery);
    if (batch == nullptr) return size_t{0};
    const size_t records = batch->records.size();
    Decide(*batch, Outcome::kAcknowledged);
    delivery.Complete(std::move(batch), {});
    return records;
  };
  EXPECT_EQ(fail_first(), 11u);
  EXPECT_EQ(deliver_first(), 11u);
  EXPECT_EQ(deliver_first(), 12u);
  std::unique_ptr<Batch> on_its_way = Take(delivery);
  ASSERT_NE(on_its_way, nullptr);
  EXPECT_EQ(on_its_way->records.size(), 100u);
  Enqueue(delivery, 13, 1);
  delivery.Complete(std::move(on_its_way), {"connection refused", "connect", {}});
  EXPECT_EQ(deliver_first(), 13u);
  clock_.Advance(std::chrono::seconds(20));
  EXPECT_EQ(deliver_first(), 100u) << "in front of those that waited behind it";
  EXPECT_EQ(deliver_first(), 101u);
}

// However the records of the last attempt ended.
TEST_F(DeliveryTest, ARouteThatIsLostIsOpenedBeforeItsNextBatch) {
  KeepingSink sink;
  Delivery delivery({"stream", {"all"}, kBatchBytes, 3 * kBatchBytes, {0}},
                    {sink, dead_letters_, clock_, metrics_, [](const Batch&) {}, [] {},
                     [](uint32_t, const std::vector<KeptCursor>&) {}});
  EXPECT_EQ(delivery.NewBatch(0), nullptr);
  const Attempt lost{.error = "lost", .code = "transport", .retry_after = {}, .reopen = true};
  for (const auto& [outcome, records] :
       {std::pair(Outcome::kPending, 3u), {Outcome::kRejected, 3u}, {Outcome::kRejected, 30u}}) {
    clock_.Advance(std::chrono::minutes(2));
    delivery.OpenRoutes({});
    ASSERT_TRUE(delivery.open(0));
    Enqueue(delivery, records);
    std::unique_ptr<Batch> batch = Take(delivery);
    ASSERT_NE(batch, nullptr);
    if (outcome != Outcome::kPending) Decide(*batch, outcome);
    delivery.Complete(std::move(batch), lost);
    EXPECT_FALSE(delivery.open(0));
    EXPECT_EQ(delivery.NewBatch(0), nullptr);
    for (std::unique_ptr<Batch>& forgotten : delivery.ShedRoute(0)) {
      delivery.Discard(std::move(forgotten));
    }
  }
}

TEST_F(DeliveryTest, SettlesWhatIsAcknowledged) {
  Delivery delivery = Make();
  Enqueue(delivery, 3);
  EXPECT_FALSE(delivery.idle());
  std::unique_ptr<Batch> batch = Take(delivery);
  ASSERT_NE(batch, nullptr);
  EXPECT_EQ(Take(delivery), nullptr);
  Decide(*batch, Outcome::kAcknowledged);
  delivery.Complete(std::move(batch), {});
  ASSERT_EQ(settled_.size(), 1u);
  EXPECT_EQ(settled_[0][0].acknowledged_bytes, 21u);
  EXPECT_EQ(settled_[0][0].dropped[DropReason::kRejected].lines, 0u);
  EXPECT_TRUE(delivery.idle());
  EXPECT_EQ(room_, 1);
}

TEST_F(DeliveryTest, BoundsTheBytesInFlight) {
  Delivery delivery = Make(2 * kBatchBytes);
  std::unique_ptr<Batch> one = delivery.NewBatch(0);
  std::unique_ptr<Batch> two = delivery.NewBatch(0);
  EXPECT_NE(two, nullptr);
  EXPECT_EQ(delivery.NewBatch(0), nullptr);
  delivery.Discard(std::move(two));
  EXPECT_NE(delivery.NewBatch(0), nullptr);
  delivery.Discard(std::move(one));
}

TEST_F(DeliveryTest, RetriesAloneWhatWasRefusedForNow) {
  Delivery delivery = Make();
  Enqueue(delivery, 4);
  std::unique_ptr<Batch> batch = Take(delivery);
  Decide(*batch, Outcome::kAcknowledged);
  batch->records[2].outcome = Outcome::kPending;
  delivery.Complete(std::move(batch), {"1 of 4 documents refused: 429", "429", {}});
  EXPECT_TRUE(settled_.empty());
  EXPECT_EQ(Take(delivery), nullptr) << "it backs off";
  EXPECT_GT(wait_, Duration{0});
  clock_.Advance(std::chrono::seconds(1));
  batch = Take(delivery);
  ASSERT_NE(batch, nullptr);
  EXPECT_EQ(batch->records[2].outcome, Outcome::kPending);
  EXPECT_EQ(batch->records[1].outcome, Outcome::kAcknowledged);
  Decide(*batch, Outcome::kAcknowledged);
  delivery.Complete(std::move(batch), {});
  EXPECT_EQ(settled_.size(), 1u);
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hinomi_sink_retries_total{sink=\"search\"} 1"));
}

TEST_F(DeliveryTest, WaitsAsLongAsTheSinkAsks) {
  Delivery delivery = Make();
  Enqueue(delivery, 1);
  delivery.Complete(Take(delivery), {"busy", "503", std::chrono::seconds(20)});
  clock_.Advance(std::chrono::seconds(19));
  EXPECT_EQ(Take(delivery), nullptr);
  clock_.Advance(std::chrono::seconds(12));
  EXPECT_NE(Take(delivery), nullptr) << "and not much longer";
}

TEST_F(DeliveryTest, KeepsOneProbeOfADeadSink) {
  Delivery delivery = Make(10 * kBatchBytes);
  for (int i = 0; i < 4; ++i) Enqueue(delivery, 2);
  FailFor(delivery, std::chrono::seconds(29));
  EXPECT_TRUE(delivery.Shed().empty()) << "not yet";
  EXPECT_THAT(delivery.LastError(), HasSubstr("refused"));
  FailFor(delivery, std::chrono::seconds(2));
  EXPECT_TRUE(delivery.shedding());
  EXPECT_EQ(delivery.NewBatch(0), nullptr) << "nothing is read for a dead sink";
  std::vector<std::unique_ptr<Batch>> shed = delivery.Shed();
  EXPECT_EQ(shed.size(), 3u);
  for (std::unique_ptr<Batch>& batch : shed) delivery.Discard(std::move(batch));
  EXPECT_TRUE(settled_.empty());
  // It comes back: the probe is accepted and all is well.
  clock_.Advance(std::chrono::seconds(11));
  std::unique_ptr<Batch> probe = Take(delivery);
  ASSERT_NE(probe, nullptr);
  Decide(*probe, Outcome::kAcknowledged);
  delivery.Complete(std::move(probe), {});
  EXPECT_FALSE(delivery.shedding());
  EXPECT_EQ(delivery.LastError(), "");
  EXPECT_NE(delivery.NewBatch(0), nullptr);
}

TEST_F(DeliveryTest, SendsOnlyOneProbeAtATime) {
  Delivery delivery = Make();
  Enqueue(delivery, 1);
  Enqueue(delivery, 1);
  delivery.Complete(Take(delivery), {"connection refused", "connect", {}});
  clock_.Advance(std::chrono::seconds(11));
  const std::unique_ptr<Batch> probe = Take(delivery);
  EXPECT_NE(probe, nullptr);
  EXPECT_EQ(Take(delivery), nullptr);
}

TEST_F(DeliveryTest, NumbersEveryBatch) {
  Delivery delivery = Make();
  std::unique_ptr<Batch> first = delivery.NewBatch(0);
  const uint64_t number = first->number;
  EXPECT_NE(number, 0u);
  delivery.Discard(std::move(first));
  EXPECT_GT(delivery.NewBatch(0)->number, number) << "also when its memory is used again";
}

TEST_F(DeliveryTest, LetsNoBatchPassAnUndecidedOneWhereOrderCounts) {
  for (uint32_t lanes : {1u, 2u}) {
    sink_.lanes = lanes;
    Delivery delivery = Make();
    Enqueue(delivery, 2);
    Enqueue(delivery, 3);
    std::unique_ptr<Batch> first = Take(delivery);
    const uint64_t number = first->number;
    first->records[0].outcome = Outcome::kAcknowledged;  // so it is no dead sink
    delivery.Complete(std::move(first), {"1 record is not acknowledged", "timeout", {}});
    std::unique_ptr<Batch> next = Take(delivery);
    EXPECT_EQ(next != nullptr, lanes == 2);
    if (lanes == 2) continue;
    clock_.Advance(std::chrono::seconds(1));
    next = Take(delivery);
    ASSERT_NE(next, nullptr);
    EXPECT_EQ(next->number, number);
    Decide(*next, Outcome::kAcknowledged);
    delivery.Complete(std::move(next), {});
    EXPECT_NE(Take(delivery), nullptr);
  }
}

TEST_F(DeliveryTest, LetsOtherRoutesPassOneThatIsHeld) {
  Delivery delivery = Make();
  Enqueue(delivery, 20, 0);
  Enqueue(delivery, 3, 0);
  Enqueue(delivery, 3, 1);
  std::unique_ptr<Batch> refused = Take(delivery);
  Decide(*refused, Outcome::kRejected);
  delivery.Complete(std::move(refused), {});
  std::unique_ptr<Batch> other = Take(delivery);
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->route, 1u);
  EXPECT_EQ(Take(delivery), nullptr);
}

TEST_F(DeliveryTest, KeepsTheUndecidedBatchAsItsProbe) {
  Delivery delivery = Make(10 * kBatchBytes);
  for (int i = 0; i < 3; ++i) Enqueue(delivery, 2);
  const uint64_t tried = 1;
  FailFor(delivery, std::chrono::seconds(31));
  for (std::unique_ptr<Batch>& batch : delivery.Shed()) {
    EXPECT_NE(batch->number, tried);
    delivery.Discard(std::move(batch));
  }
  clock_.Advance(std::chrono::seconds(11));
  const std::unique_ptr<Batch> probe = Take(delivery);
  ASSERT_NE(probe, nullptr);
  EXPECT_EQ(probe->number, tried);
}

// A server that comes back does not meet all agents of a cluster at once.
TEST_F(DeliveryTest, ManyAgentsDoNotComeBackTogether) {
  constexpr int kAgents = 200;
  constexpr auto kStep = std::chrono::milliseconds(100);
  std::vector<std::unique_ptr<Delivery>> agents;
  for (int i = 0; i < kAgents; ++i) {
    clock_.Advance(std::chrono::microseconds(1237));
    agents.push_back(std::unique_ptr<Delivery>(new Delivery(Make())));
    Enqueue(*agents.back(), 1);
  }
  int attempts = 0;
  int most_at_once = 0;
  for (Duration passed{0}; passed < std::chrono::minutes(3); passed += kStep) {
    clock_.Advance(kStep);
    int at_once = 0;
    for (const std::unique_ptr<Delivery>& agent : agents) {
      std::unique_ptr<Batch> batch = Take(*agent);
      if (batch == nullptr) continue;
      agent->Complete(std::move(batch), {"connection refused", "connect", {}});
      ++at_once;
    }
    if (passed < std::chrono::minutes(1)) continue;
    attempts += at_once;
    most_at_once = std::max(most_at_once, at_once);
  }
  EXPECT_GT(attempts, kAgents * 2);
  EXPECT_LT(most_at_once, kAgents / 10);
}

TEST_F(DeliveryTest, NeverSpins) {
  Delivery delivery = Make();
  Enqueue(delivery, 1);
  int attempts = 0;
  for (int i = 0; i < 6000; ++i) {  // a minute
    std::unique_ptr<Batch> batch = Take(delivery);
    if (batch != nullptr) {
      ++attempts;
      delivery.Complete(std::move(batch), {"garbage", "response", {}});
    }
    clock_.Advance(std::chrono::milliseconds(10));
  }
  EXPECT_LT(attempts, 25);
  EXPECT_GT(attempts, 5);
}

TEST_F(DeliveryTest, DeadLettersAFewRefusedDocuments) {
  Delivery delivery = Make();
  Enqueue(delivery, 3);
  std::unique_ptr<Batch> batch = Take(delivery);
  Decide(*batch, Outcome::kAcknowledged);
  batch->records[1].outcome = Outcome::kRejected;
  batch->rejections.push_back({1, "document_parsing_exception", "n is no number"});
  delivery.Complete(std::move(batch), {});
  ASSERT_EQ(settled_.size(), 1u);
  EXPECT_EQ(settled_[0][0].dropped[DropReason::kRejected].bytes, 7u);
  EXPECT_EQ(settled_[0][0].acknowledged_bytes, 14u);
  EXPECT_TRUE(std::filesystem::exists(directory_ / "dead_letters"));
}

TEST_F(DeliveryTest, HoldsTheRouteBeforeItDeadLettersMostOfABatch) {
  Delivery delivery = Make();
  Enqueue(delivery, 20);
  std::unique_ptr<Batch> batch = Take(delivery);
  Decide(*batch, Outcome::kRejected);
  delivery.Complete(std::move(batch), {});
  EXPECT_TRUE(settled_.empty());
  EXPECT_THAT(metrics_.Expose(),
              HasSubstr("hinomi_sink_rejecting{route=\"all\",sink=\"search\"} 1"));
  EXPECT_EQ(delivery.NewBatch(0), nullptr);
  clock_.Advance(std::chrono::seconds(61));
  batch = Take(delivery);
  ASSERT_NE(batch, nullptr);
  EXPECT_EQ(batch->records[0].outcome, Outcome::kPending) << "it is tried once more";
  Decide(*batch, Outcome::kRejected);
  delivery.Complete(std::move(batch), {});
  ASSERT_EQ(settled_.size(), 1u);
  EXPECT_EQ(settled_[0][0].dropped[DropReason::kRejected].lines, 20u);
  // Good batches end it.
  Enqueue(delivery, 20);
  batch = Take(delivery);
  Decide(*batch, Outcome::kAcknowledged);
  delivery.Complete(std::move(batch), {});
  EXPECT_THAT(metrics_.Expose(),
              HasSubstr("hinomi_sink_rejecting{route=\"all\",sink=\"search\"} 0"));
}

TEST_F(DeliveryTest, WaitsWhenDeadLettersCannotBeWritten) {
  Delivery delivery = Make();
  Enqueue(delivery, 2);
  directory_.Append("dead_letters", "a file is in the way");
  std::unique_ptr<Batch> batch = Take(delivery);
  Decide(*batch, Outcome::kRejected);
  delivery.Complete(std::move(batch), {});
  EXPECT_TRUE(settled_.empty());
  EXPECT_THAT(metrics_.Expose(), HasSubstr("code=\"dead_letters\""));
  EXPECT_THAT(delivery.LastError(), Not(""));
}

TEST_F(DeliveryTest, SendsNothingAgainThatMayHaveBeenTaken) {
  Delivery delivery = Make();
  Enqueue(delivery, 40);
  std::unique_ptr<Batch> batch = Take(delivery);
  Decide(*batch, Outcome::kRejected);
  for (uint32_t i = 0; i < 10; ++i) batch->rejections[i].perhaps_taken = true;
  delivery.Complete(std::move(batch), {});
  clock_.Advance(std::chrono::seconds(61));
  batch = Take(delivery);
  ASSERT_NE(batch, nullptr) << "the other thirty are tried once more";
  EXPECT_EQ(batch->records[9].outcome, Outcome::kRejected);
  EXPECT_EQ(batch->records[10].outcome, Outcome::kPending);
  for (BatchRecord& record : batch->records) {
    if (record.outcome == Outcome::kPending) record.outcome = Outcome::kAcknowledged;
  }
  directory_.Append("dead_letters", "a file is in the way");
  delivery.Complete(std::move(batch), {});
  EXPECT_TRUE(settled_.empty());
  std::filesystem::remove(directory_ / "dead_letters");
  clock_.Advance(std::chrono::seconds(11));
  batch = Take(delivery);
  ASSERT_NE(batch, nullptr);
  EXPECT_EQ(batch->records[9].outcome, Outcome::kRejected);
  delivery.Complete(std::move(batch), {});
  ASSERT_EQ(settled_.size(), 1u);
  EXPECT_EQ(settled_[0][0].dropped[DropReason::kRejected].lines, 10u);
}

TEST_F(DeliveryTest, NoticesACallThatDoesNotReturn) {
  Delivery delivery = Make();
  std::mutex hanging;
  std::atomic<bool> hangs = false;
  sink_.tidy = [&] {
    hangs = true;
    const std::lock_guard wait(hanging);
    hangs = false;
  };
  std::unique_lock hold(hanging);
  std::jthread lane([&](const std::stop_token& stop) { delivery.RunLane(0, stop); });
  while (!hangs) std::this_thread::yield();
  clock_.Advance(std::chrono::seconds(9));
  delivery.Watch();
  EXPECT_EQ(delivery.LastError(), "");
  clock_.Advance(std::chrono::seconds(2));
  delivery.Watch();
  EXPECT_EQ(delivery.LastError(), "has not answered for 11 s");
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hinomi_sink_up{sink=\"search\"} 0"));
  clock_.Advance(std::chrono::seconds(30));
  delivery.Watch();
  EXPECT_EQ(delivery.LastError(), "has not answered for 41 s");
  EXPECT_EQ(delivery.NewBatch(0), nullptr) << "what it does not take stays in its file";
  hold.unlock();
  while (!delivery.LastError().empty()) std::this_thread::yield();
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hinomi_sink_up{sink=\"search\"} 1"));
  std::unique_ptr<Batch> batch = delivery.NewBatch(0);
  ASSERT_NE(batch, nullptr);
  delivery.Discard(std::move(batch));
}

TEST_F(DeliveryTest, SaysWhatIsWrongAndSinceWhen) {
  Delivery delivery = Make();
  Enqueue(delivery, 3);
  EXPECT_EQ(delivery.Status().state, SinkState::kOk);
  EXPECT_EQ(delivery.Status().in_flight_bytes, 30u);
  FailFor(delivery, std::chrono::seconds(12));
  DeliveryStatus status = delivery.Status();
  EXPECT_EQ(status.state, SinkState::kFailing);
  EXPECT_EQ(status.error, "connection refused");
  EXPECT_GT(status.since, std::chrono::seconds(11));
  EXPECT_LT(status.since, std::chrono::seconds(13));
  clock_.Advance(std::chrono::seconds(11));
  std::unique_ptr<Batch> batch = Take(delivery);
  Decide(*batch, Outcome::kAcknowledged);
  batch->records[0].outcome = Outcome::kRejected;
  batch->rejections.push_back({0, "parsing", "bad"});
  delivery.Complete(std::move(batch), {});
  status = delivery.Status();
  EXPECT_EQ(status.state, SinkState::kOk);
  EXPECT_EQ(status.error, "");
  EXPECT_EQ(status.batches, 1u);
  EXPECT_EQ(status.records, 2u);

  Enqueue(delivery, 20);
  batch = Take(delivery);
  Decide(*batch, Outcome::kRejected);
  delivery.Complete(std::move(batch), {});
  clock_.Advance(std::chrono::seconds(7));
  status = delivery.Status();
  EXPECT_EQ(status.state, SinkState::kRejecting);
  EXPECT_EQ(status.error, "parsing: bad");
  EXPECT_GE(status.since, std::chrono::seconds(7));
  EXPECT_LT(status.since, std::chrono::seconds(8));
}

TEST_F(DeliveryTest, TriesAtOnceWhenTheSinkIsMended) {
  Delivery delivery = Make();
  Enqueue(delivery, 3);
  delivery.Complete(Take(delivery), {"no such user", "401", std::chrono::minutes(10)});
  std::jthread lane([&](const std::stop_token& stop) { delivery.RunLane(0, stop); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(delivery.Status().state, SinkState::kFailing);
  EXPECT_GT(delivery.Status().retry, std::chrono::minutes(9));
  sink_.mended = true;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (sink_.delivered == 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_GT(sink_.delivered, 0);
}

// By the sinks' own words for too much; what has another cause changes nothing.
TEST_F(DeliveryTest, BeginsWithOneRequestAndFindsOutHowManyItMayHave) {
  sink_.lanes = 4;
  const auto take_all = [&](Delivery& delivery) {
    std::vector<std::unique_ptr<Batch>> batches;
    while (std::unique_ptr<Batch> batch = Take(delivery)) batches.push_back(std::move(batch));
    return batches;
  };
  const auto complete = [&](Delivery& delivery, const Attempt& attempt) {
    auto batches = take_all(delivery);
    const size_t count = batches.size();
    clock_.Advance(std::chrono::milliseconds(100));
    for (auto& batch : batches) {
      if (attempt.error.empty()) Decide(*batch, Outcome::kAcknowledged);
      delivery.Complete(std::move(batch), attempt);
    }
    return count;
  };
  for (const auto& [code, left] : {std::pair("429", 1),
                                   {"resource_exhausted", 1},
                                   {"unavailable", 1},
                                   {"deadline_exceeded", 1},
                                   {"401", 3}}) {
    Delivery delivery = Make(20 * kBatchBytes);
    for (int i = 0; i < 12; ++i) Enqueue(delivery, 1);
    for (size_t want : {1u, 2u, 2u, 3u}) EXPECT_EQ(complete(delivery, {}), want);
    EXPECT_THAT(metrics_.Expose(), HasSubstr("hinomi_sink_concurrency{sink=\"search\"} 3\n"));
    complete(delivery, {"no", code, {}});
    EXPECT_THAT(metrics_.Expose(),
                HasSubstr(fmt::format("hinomi_sink_concurrency{{sink=\"search\"}} {}\n", left)))
        << code;
  }
}

TEST_F(DeliveryTest, SaysWhatItsBatchesWaitFor) {
  Delivery delivery = Make(2 * kBatchBytes);
  EXPECT_FALSE(delivery.Status().full);
  Enqueue(delivery, 90, 1);
  std::unique_ptr<Batch> batch = Take(delivery);
  delivery.Complete(std::move(batch), {"busy", "503", std::chrono::seconds(7)});
  EXPECT_GE(delivery.Status().retry, std::chrono::milliseconds(6999));
  EXPECT_LE(delivery.Status().retry, std::chrono::milliseconds(10500));
  EXPECT_EQ(delivery.Status().state, SinkState::kFailing);
  clock_.Advance(std::chrono::seconds(11));
  EXPECT_EQ(delivery.Status().retry, Duration{0});
  batch = Take(delivery);
  Decide(*batch, Outcome::kRejected);
  const std::unique_ptr<Batch> open = delivery.NewBatch(0);
  EXPECT_TRUE(delivery.Status().full);
  delivery.Complete(std::move(batch), {});
  const DeliveryStatus status = delivery.Status();
  ASSERT_EQ(status.refused.size(), 1u);
  EXPECT_EQ(status.refused[0].route, "other");
  EXPECT_EQ(status.refused[0].reason, "parsing: bad");
  EXPECT_NEAR(std::chrono::duration<double>(status.refused[0].wait).count(), 60, 0.1);
}

}  // namespace
}  // namespace hinomi
