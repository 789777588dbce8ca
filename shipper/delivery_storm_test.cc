// Two hundred agents and one server that comes back: they do not arrive at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "base/manual_clock.h"
#include "shipper/delivery.h"

namespace hinomi {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kAgents = 200;
constexpr Duration kStep = milliseconds(10);
constexpr Duration kWindow = milliseconds(100);

class Elsewhere final : public Sink {
 public:
  RecordFormat format() const override { return RecordFormat::kJson; }
  Attempt Deliver(Batch&, uint32_t, const std::stop_token&) override { return {}; }
  uint32_t concurrency() const override { return 2; }
};

/// One agent with one batch, on a node that has been up for some time.
class Agent {
 public:
  explicit Agent(Duration uptime) {
    clock_.Advance(uptime);
    delivery_ = std::make_unique<Delivery>(
        Delivery::Options{"search", {"all"}, 1000, 3000},
        Delivery::Parts{sink_, dead_letters_, clock_, metrics_, [](const Batch&) {}, [] {}});
    std::unique_ptr<Batch> batch = delivery_->NewBatch(0);
    batch->slices.emplace_back().origin = std::make_shared<Origin>();
    batch->records.emplace_back();
    delivery_->Enqueue(std::move(batch));
  }

  /// Whether it has come to the server, which answers so; without an error it has taken all.
  bool Visit(const Attempt& answer) {
    clock_.Advance(kStep);
    Duration wait{0};
    std::unique_ptr<Batch> batch = delivery_->Take(&wait);
    if (batch == nullptr) return false;
    if (answer.error.empty()) batch->records[0].outcome = Outcome::kAcknowledged;
    batch->pending_before = 1;
    delivery_->Complete(std::move(batch), answer);
    return true;
  }

 private:
  PosixFileSystem files_;
  ManualClock clock_;
  Metrics metrics_;
  Elsewhere sink_;
  DeadLetters dead_letters_{{.directory = "/nowhere"}, {files_, clock_, metrics_}};
  std::unique_ptr<Delivery> delivery_;  // its random numbers begin with the time
};

class DeliveryStormTest : public testing::Test {
 protected:
  DeliveryStormTest() {
    std::mt19937 random(1);
    std::uniform_int_distribution<int64_t> uptime(0, Duration(seconds(1'000'000)).count());
    for (int i = 0; i < kAgents; ++i) {
      agents_.push_back(std::make_unique<Agent>(Duration(uptime(random))));
    }
  }
  /// When they come, counted from now on.
  std::vector<Duration> Arrivals(Duration time, const Attempt& answer) {
    std::vector<Duration> arrivals;
    for (Duration now{0}; now < time; now += kStep) {
      for (const auto& agent : agents_) {
        if (agent->Visit(answer)) arrivals.push_back(now);
      }
    }
    return arrivals;
  }
  static int Most(const std::vector<Duration>& arrivals) {
    std::map<Duration::rep, int> windows;
    for (Duration arrival : arrivals) ++windows[arrival / kWindow];
    return std::max_element(windows.begin(), windows.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->second;
  }

  std::vector<std::unique_ptr<Agent>> agents_;
};

TEST_F(DeliveryStormTest, AServerThatWasDownForAMinute) {
  Arrivals(seconds(60), {"connection refused", "connect", {}});
  const std::vector<Duration> arrivals = Arrivals(seconds(11), {});
  EXPECT_EQ(arrivals.size(), kAgents) << "nobody waits for longer";
  EXPECT_LE(Most(arrivals), kAgents / 10) << "in a tenth of a second";
}

TEST_F(DeliveryStormTest, AServerThatSendsAllAwayForTheSameTime) {
  EXPECT_EQ(Arrivals(kStep, {"full", "503", seconds(10)}).size(), kAgents);
  const std::vector<Duration> arrivals = Arrivals(seconds(16), {});
  EXPECT_EQ(arrivals.size(), kAgents);
  EXPECT_GE(arrivals.front() + 2 * kStep, seconds(10)) << "before it may";
  EXPECT_LE(Most(arrivals), kAgents / 10) << "in a tenth of a second";
}

}  // namespace
}  // namespace hinomi
