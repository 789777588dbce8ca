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
               uint64_t lease_bytes = kQuantum, const Shares& shares = {}) {
    const uint64_t log = logs_.size() + 1;
    logs_.push_back({namespace_name, namespace_name + "/" + pod_name, lease_bytes});
    scheduler.Join(log, {namespace_name, pod_name, shares});
    scheduler.Ready(log, now);
    return log;
  }
  // Reads once and says from which log.
  uint64_t Read() {
    const std::optional<Scheduler::Turn> turn = scheduler.Next(now);
    if (!turn) return 0;
    const Log& from = logs_[turn->log - 1];
    read_[from.namespace_name] += from.lease_bytes;
    read_[from.pod] += from.lease_bytes;
    read_[std::to_string(turn->log)] += from.lease_bytes;
    total_ += from.lease_bytes;
    const uint64_t kept = std::min(turn->kept_bytes_max, from.lease_bytes);
    kept_[from.pod] += kept;
    scheduler.Done(turn->log, {from.lease_bytes, kept, /*more=*/true});
    return turn->log;
  }
  void Read(int leases) {
    for (int i = 0; i < leases; ++i) Read();
  }
  // The part of all bytes that a namespace, a pod ("namespace/pod") or a log got.
  double Share(const std::string& name) { return static_cast<double>(read_[name]) / total_; }

  uint64_t ReadOf(const std::string& name) { return read_[name]; }
  uint64_t KeptOf(const std::string& pod) { return kept_[pod]; }

  Duration now{0};
  std::map<std::string, Duration> waits;  // by namespace
  Scheduler scheduler{kQuantum,
                      [this](const std::string& name, Duration wait) { waits[name] += wait; }};

 private:
  struct Log {
    std::string namespace_name;
    std::string pod;
    uint64_t lease_bytes;
  };
  std::vector<Log> logs_;
  std::map<std::string, uint64_t> read_;
  std::map<std::string, uint64_t> kept_;
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
    backlog.Read(20'000);
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
  scheduler.Join(1000, {"prod", "quiet", {}});
  for (int i = 0; i < 1'000; ++i) {
    scheduler.Ready(1000, backlog.now);
    int leases = 0;
    for (uint64_t log = 0; (log = scheduler.Next(backlog.now)->log) != 1000;) {
      ASSERT_LE(++leases, 11);
      scheduler.Done(log, {kQuantum, kQuantum, /*more=*/true});
    }
    ASSERT_GE(leases, 9) << "what it did not use it has not saved up";
    scheduler.Done(1000, {100, 100, /*more=*/false});
  }
}

TEST(Scheduler, OneLogCanHaveEverything) {
  Backlog backlog;
  const uint64_t log = backlog.Add("prod", "web");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(backlog.Read(), log);
}

TEST(Scheduler, HasNothingDueWhenNothingIsReady) {
  Scheduler scheduler(kQuantum);
  const Duration now{0};
  EXPECT_EQ(scheduler.NextDue(), std::nullopt);
  scheduler.Join(1, {"prod", "web", {}});
  EXPECT_EQ(scheduler.NextDue(), std::nullopt);
  scheduler.Ready(1, now);
  scheduler.Ready(1, now);
  EXPECT_EQ(scheduler.NextDue(), now);
  EXPECT_EQ(scheduler.Next(now)->log, 1u);
  scheduler.Done(1, {10, 10, /*more=*/false});
  EXPECT_EQ(scheduler.NextDue(), std::nullopt);
  EXPECT_FALSE(scheduler.Next(now));
}

TEST(Scheduler, WeighsNamespacesThenPodsThenLogs) {
  Backlog backlog;
  const auto weights = [](uint32_t of_namespace, uint32_t of_pod, uint32_t of_log) {
    return Shares{{of_namespace, 0, 0, {}}, {of_pod, 0, 0, {}}, {of_log, 0, 0, {}}};
  };
  backlog.Add("heavy", "a", kQuantum, weights(5, 1, 1));
  backlog.Add("heavy", "b", 3'000, weights(5, 3, 1));
  for (int i = 0; i < 20; ++i) backlog.Add("light", std::to_string(i));
  backlog.Add("other", "web", kQuantum, weights(4, 1, 100));
  backlog.Add("other", "web", 70'000, weights(4, 1, 50));
  backlog.Read(200'000);
  const double heavy =
      backlog.Share("heavy/a") + backlog.Share("heavy/b") * (Scheduler::kLeaseBytes / 3'000.0);
  const double light = backlog.Share("light");
  const double other = backlog.Share("other");
  EXPECT_NEAR(heavy / light, 5, 0.1);
  EXPECT_NEAR(other / light, 4, 0.08);
  EXPECT_NEAR(backlog.Share("heavy/a") / heavy, 0.25, 0.005);
  EXPECT_NEAR(backlog.Share("23") / other, 2.0 / 3, 0.01);
}

Share LimitOf(uint64_t bytes_per_second, uint64_t burst_bytes, Exceeded exceeded) {
  return {1, bytes_per_second, burst_bytes, exceeded};
}

// Reads once a millisecond, if it may.
void Pass(Backlog& backlog, Duration time) {
  for (const Duration until = backlog.now + time; backlog.now < until;) {
    const std::optional<Duration> due = backlog.scheduler.NextDue();
    if (due && *due <= backlog.now) backlog.Read();
    backlog.now += std::chrono::milliseconds(1);
  }
}

TEST(Scheduler, DelaysWhatIsBeyondItsLimit) {
  constexpr double kRate = 1 << 20;
  const Share limit = LimitOf(1 << 20, 4 << 20, Exceeded::kDelay);
  const struct {
    const char* what;
    Shares shares;
    int limits;  // of the four logs
  } cases[] = {{"namespace", {limit, {}, {}}, 1},
               {"pod", {{}, limit, {}}, 2},
               {"container", {{}, {}, limit}, 4}};
  for (const auto& c : cases) {
    Backlog backlog;
    for (const char* pod : {"a", "a", "b", "b"}) backlog.Add("dev", pod, 100'000, c.shares);
    backlog.Add("prod", "web");
    Pass(backlog, std::chrono::seconds(100));
    const double allowed = (4 + 100) * kRate * c.limits;
    EXPECT_NEAR(static_cast<double>(backlog.ReadOf("dev")) / allowed, 1, 0.02) << c.what;
    EXPECT_NEAR(backlog.Share("1") / backlog.Share("dev"), 0.25, 0.005) << c.what;
    EXPECT_GT(backlog.Share("prod"), 0.9) << c.what;
    EXPECT_GT(backlog.waits["dev"], std::chrono::seconds(90)) << c.what;
    EXPECT_EQ(backlog.waits.count("prod"), 0u);
  }
}

TEST(Scheduler, WaitsWithoutBeingAskedAgain) {
  Backlog backlog;
  const Share limit = LimitOf(kQuantum / 10, kQuantum, Exceeded::kDelay);
  for (int i = 0; i < 1'000; ++i) {
    backlog.Add("dev", std::to_string(i), kQuantum, {limit, {}, {}});
  }
  EXPECT_NE(backlog.Read(), 0u);
  EXPECT_EQ(backlog.Read(), 0u);
  const std::optional<Duration> due = backlog.scheduler.NextDue();
  ASSERT_TRUE(due);
  EXPECT_GT(*due, backlog.now);
  backlog.now = *due;
  EXPECT_NE(backlog.Read(), 0u);
  EXPECT_EQ(backlog.Read(), 0u);
  EXPECT_GT(*backlog.scheduler.NextDue(), backlog.now + std::chrono::seconds(9));
}

TEST(Scheduler, KeepsNoMoreThanALimitThatDrops) {
  constexpr uint64_t kRate = 1 << 20;
  Backlog backlog;
  backlog.Add("dev", "a", kQuantum, {{}, LimitOf(kRate, 2 * kRate, Exceeded::kDrop), {}});
  Pass(backlog, std::chrono::seconds(100));
  EXPECT_NEAR(static_cast<double>(backlog.KeptOf("dev/a")) / kRate, 102, 1);
  EXPECT_GT(backlog.ReadOf("dev/a"), 1'000 * kRate) << "what is dropped does not wait";
  EXPECT_TRUE(backlog.waits.empty());
}

// What was written no faster than allowed is not dropped because it could not be sent for a while.
TEST(Scheduler, DoesNotDropWhatOnlyWaited) {
  using std::chrono::seconds;
  constexpr uint64_t kRate = 1 << 20;
  const Shares shares{{}, LimitOf(kRate, kRate, Exceeded::kDrop), {}};
  Scheduler scheduler(kQuantum);
  const auto kept_max = [&](Duration now) {
    const uint64_t kept = scheduler.Next(now)->kept_bytes_max;
    scheduler.Done(1, {0, 0, /*more=*/true});
    return kept;
  };
  scheduler.Join(1, {"dev", "a", shares});
  scheduler.Ready(1, seconds(10));
  EXPECT_EQ(kept_max(seconds(10)), kRate);
  EXPECT_EQ(kept_max(seconds(70)), 61 * kRate) << "a minute in which nothing was read";
  EXPECT_EQ(scheduler.Next(seconds(70))->kept_bytes_max, 61 * kRate);
  scheduler.Done(1, {0, 0, /*more=*/false});
  scheduler.Ready(1, seconds(80));
  EXPECT_EQ(kept_max(seconds(80)), kRate) << "it had caught up";
  scheduler.Forgive(1, 5 * kRate);
  EXPECT_EQ(kept_max(seconds(80)), 6 * kRate) << "it is read again";
  scheduler.Join(2, {"dev", "b", shares});
  scheduler.Forgive(2, 9 * kRate);
  scheduler.Ready(2, seconds(90));
  scheduler.Leave(1);
  EXPECT_EQ(scheduler.Next(seconds(90))->kept_bytes_max, 10 * kRate) << "it was there before";
}

TEST(Scheduler, TakesNewSharesOfWhatIsKnown) {
  Backlog backlog;
  backlog.Add("dev", "a", kQuantum, {{}, LimitOf(1, 1, Exceeded::kDelay), {}});
  EXPECT_NE(backlog.Read(), 0u);
  EXPECT_EQ(backlog.Read(), 0u) << "for days";
  backlog.scheduler.Join(1, {"dev", "a", {}});
  EXPECT_NE(backlog.Read(), 0u);
  EXPECT_NE(backlog.Read(), 0u);
}

// What leaves while it is ready, leased or waiting breaks no ring.
TEST(Scheduler, SurvivesChurn) {
  Scheduler scheduler(kQuantum);
  std::minstd_rand random(7);
  std::map<uint64_t, bool> leased;  // of those that joined
  const auto any = [&] {
    const auto it = leased.lower_bound(random() % (leased.rbegin()->first + 1));
    return it == leased.end() ? leased.begin() : it;
  };
  uint64_t next = 0;
  for (int i = 0; i < 50'000; ++i) {
    const Duration now = std::chrono::milliseconds(i);
    const uint64_t dice = random() % 10;
    if (dice < 2 || leased.empty()) {
      const auto share = [&] { return LimitOf(random() % 2 * 1000, 1000, Exceeded(random() % 2)); };
      const std::string space = std::to_string(random() % 5);
      scheduler.Join(++next, {space, std::to_string(random() % 50), {share(), share(), share()}});
      leased[next] = false;
      if (random() % 2 == 0) scheduler.Ready(next, now);
    } else if (dice < 4) {
      const auto it = any();
      scheduler.Leave(it->first);
      leased.erase(it);
    } else if (dice < 7) {
      const std::optional<Scheduler::Turn> turn = scheduler.Next(now);
      if (!turn) continue;
      ASSERT_TRUE(leased.contains(turn->log)) << "it has left";
      ASSERT_FALSE(std::exchange(leased[turn->log], true)) << "leased twice";
    } else {
      const auto it = any();
      if (!std::exchange(it->second, false)) {
        scheduler.Ready(it->first, now);
      } else {
        scheduler.Done(it->first, {random() % kQuantum, random() % 2000, random() % 2 == 0});
      }
    }
  }
  for (const auto& [log, is_leased] : leased) scheduler.Leave(log);
  EXPECT_FALSE(scheduler.Next(std::chrono::hours(1)));
  EXPECT_EQ(scheduler.NextDue(), std::nullopt);
  EXPECT_EQ(scheduler.groups(), 0u) << "a pod or a namespace without logs is known";
}

TEST(Scheduler, SaysWhichLimitALogWaitsFor) {
  const Share limit{1, 1000, 1000, Exceeded::kDelay};
  const struct {
    Shares shares;
    Per want;
  } kCases[] = {{{limit, {}, {}}, Per::kNamespace},
                {{{}, limit, {}}, Per::kPod},
                {{{}, {}, limit}, Per::kContainer}};
  for (const auto& [shares, want] : kCases) {
    Backlog backlog;
    const uint64_t log = backlog.Add("shop", "web", 3000, shares);
    const uint64_t other = backlog.Add("billing", "pay", 3000);
    EXPECT_FALSE(backlog.scheduler.HeldUpBy(log, backlog.now));
    backlog.Read(4);
    const std::optional<HeldUp> held_up = backlog.scheduler.HeldUpBy(log, backlog.now);
    ASSERT_TRUE(held_up);
    EXPECT_EQ(held_up->per, want);
    EXPECT_EQ(held_up->bytes_per_second, 1000u);
    EXPECT_NEAR(std::chrono::duration<double>(held_up->remaining).count(), 2, 0.1);
    EXPECT_FALSE(backlog.scheduler.HeldUpBy(other, backlog.now));
    backlog.now += std::chrono::seconds(3);
    backlog.Read(2);
    EXPECT_EQ(backlog.scheduler.HeldUpBy(1000, backlog.now), std::nullopt);
  }
}

}  // namespace
}  // namespace hinomi
