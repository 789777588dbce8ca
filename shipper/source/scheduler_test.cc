#include "shipper/source/scheduler.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace hinomi {
namespace {

constexpr uint64_t kQuantum = 256 << 10;

// Logs that have always more to read, so much at a time.
class Backlog {
 public:
  uint64_t Add(const std::string& namespace_name, const std::string& pod_name,
               uint64_t lease_bytes = kQuantum) {
    const uint64_t log = logs_.size() + 1;
    logs_.push_back({namespace_name, namespace_name + "/" + pod_name, lease_bytes});
    scheduler.Join(log, {namespace_name, pod_name});
    scheduler.Ready(log);
    return log;
  }
  // Reads once and says from which log.
  uint64_t Read() {
    const std::optional<uint64_t> log = scheduler.Next();
    if (!log) return 0;
    const Log& from = logs_[*log - 1];
    read_[from.namespace_name] += from.lease_bytes;
    read_[from.pod] += from.lease_bytes;
    read_[std::to_string(*log)] += from.lease_bytes;
    total_ += from.lease_bytes;
    scheduler.Done(*log, from.lease_bytes, /*more=*/true);
    return *log;
  }
  void Read(int leases) {
    for (int i = 0; i < leases; ++i) Read();
  }
  // The part of all bytes that a namespace, a pod ("namespace/pod") or a log got.
  double Share(const std::string& name) { return static_cast<double>(read_[name]) / total_; }

  Scheduler scheduler{kQuantum};

 private:
  struct Log {
    std::string namespace_name;
    std::string pod;
    uint64_t lease_bytes;
  };
  std::vector<Log> logs_;
  std::map<std::string, uint64_t> read_;
  double total_ = 0;
};

TEST(Scheduler, SharesAmongNamespacesThenPodsThenLogs) {
  Backlog backlog;
  for (int pod = 0; pod < 50; ++pod) backlog.Add("many", "pod-" + std::to_string(pod));
  backlog.Add("few", "noisy");
  for (int container = 0; container < 9; ++container) backlog.Add("few", "crowd");
  backlog.Read(100'000);
  EXPECT_NEAR(backlog.Share("many"), 0.5, 0.01);
  EXPECT_NEAR(backlog.Share("many/pod-7"), 0.01, 0.0002);
  EXPECT_NEAR(backlog.Share("few/noisy"), 0.25, 0.005);
  EXPECT_NEAR(backlog.Share("few/crowd"), 0.25, 0.005);
  EXPECT_NEAR(backlog.Share("55"), 0.25 / 9, 0.0005);
}

TEST(Scheduler, CountsBytesNotLeases) {
  const uint64_t sizes[] = {1, 5'000, 100'000, kQuantum - 1, kQuantum};
  for (const uint64_t small : sizes) {
    Backlog backlog;
    backlog.Add("a", "small", small);
    backlog.Add("b", "full");
    backlog.Read(200'000);
    const double cost = static_cast<double>(std::max(small, Scheduler::kLeaseBytes)) / small;
    EXPECT_NEAR(backlog.Share("a") * cost / backlog.Share("b"), 1, 0.02) << small;
  }
}

TEST(Scheduler, TinyReadsDoNotHoldUpFullOnes) {
  Backlog backlog;
  const uint64_t tiny = backlog.Add("prod", "tiny", 1);
  backlog.Add("prod", "full");
  int longest = 0;
  for (int i = 0, run = 0; i < 10'000; ++i) {
    run = backlog.Read() == tiny ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  EXPECT_EQ(longest, static_cast<int>(kQuantum / Scheduler::kLeaseBytes));
}

TEST(Scheduler, ServesANewArrivalWithinOneRound) {
  Backlog backlog;
  for (int i = 0; i < 20; ++i) backlog.Add("prod", "pod-" + std::to_string(i));
  backlog.Read(1'000);
  const struct {
    const char* namespace_name;
    int leases_max;
  } arrivals[] = {{"new", 2}, {"prod", 2 * 21 + 1}};
  for (const auto& arrival : arrivals) {
    const uint64_t log = backlog.Add(arrival.namespace_name, "arrival");
    int leases = 1;
    while (backlog.Read() != log) ASSERT_LE(++leases, arrival.leases_max) << arrival.namespace_name;
  }
}

TEST(Scheduler, ServesAQuietLogWithinOneRoundEachTimeItWrites) {
  Backlog backlog;
  for (int i = 0; i < 10; ++i) backlog.Add("prod", "noisy-" + std::to_string(i));
  Scheduler& scheduler = backlog.scheduler;
  scheduler.Join(1000, {"prod", "quiet"});
  for (int i = 0; i < 1'000; ++i) {
    scheduler.Ready(1000);
    int leases = 0;
    for (std::optional<uint64_t> log; (log = scheduler.Next()) != 1000;) {
      ASSERT_LE(++leases, 11);
      scheduler.Done(*log, kQuantum, /*more=*/true);
    }
    scheduler.Done(1000, 100, /*more=*/false);
  }
}

TEST(Scheduler, OneLogCanHaveEverything) {
  Backlog backlog;
  const uint64_t log = backlog.Add("prod", "web");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(backlog.Read(), log);
}

TEST(Scheduler, IsEmptyWhenNothingIsReady) {
  Scheduler scheduler(kQuantum);
  EXPECT_TRUE(scheduler.empty());
  scheduler.Join(1, {"prod", "web"});
  EXPECT_TRUE(scheduler.empty());
  scheduler.Ready(1);
  scheduler.Ready(1);
  EXPECT_FALSE(scheduler.empty());
  EXPECT_EQ(scheduler.Next(), 1u);
  scheduler.Done(1, 10, /*more=*/false);
  EXPECT_TRUE(scheduler.empty());
  EXPECT_EQ(scheduler.Next(), std::nullopt);
}

// What leaves while ready, or is leased together with others, breaks no ring.
TEST(Scheduler, SurvivesChurn) {
  Scheduler scheduler(kQuantum);
  std::minstd_rand random(7);
  std::map<uint64_t, bool> leased;  // of those that joined
  uint64_t next = 0;
  for (int i = 0; i < 300'000; ++i) {
    const uint64_t dice = random() % 10;
    if (dice < 2) {
      const std::string space = std::to_string(next % 5);
      scheduler.Join(++next, {space, std::to_string(random() % 50)});
      leased[next] = false;
      if (random() % 2 == 0) scheduler.Ready(next);
    } else if (dice < 4 && !leased.empty()) {
      scheduler.Leave(leased.begin()->first);
      leased.erase(leased.begin());
    } else if (dice < 7) {
      const std::optional<uint64_t> log = scheduler.Next();
      if (!log) continue;
      ASSERT_TRUE(leased.contains(*log)) << "it has left";
      ASSERT_FALSE(std::exchange(leased[*log], true)) << "leased twice";
    } else if (!leased.empty()) {
      const auto it = std::prev(leased.end());
      if (!std::exchange(it->second, false)) continue;
      scheduler.Done(it->first, random() % kQuantum, random() % 2 == 0);
    }
  }
  for (const auto& [log, is_leased] : leased) scheduler.Leave(log);
  EXPECT_TRUE(scheduler.empty());
  EXPECT_EQ(scheduler.groups(), 0u) << "a pod or a namespace without logs is known";
}

}  // namespace
}  // namespace hinomi
