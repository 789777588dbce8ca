#include "metadata/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>

#include "base/manual_clock.h"
#include "base/metric_of.h"
#include "base/temporary_directory.h"
#include "metadata/pod_json.h"

namespace hinomi {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

/// What a source says, decided by the test.
struct Script {
  std::vector<PodMetadata> pods;
  std::optional<Error> error;
  int listings = 0;
  std::function<void()> during;  // called within each
};

class ScriptedSource final : public PodSource {
 public:
  explicit ScriptedSource(Script& script) : script_(script) {}
  Result<std::vector<PodMetadata>> List(const std::stop_token&) override {
    ++script_.listings;
    if (script_.during) script_.during();
    if (script_.error) return *script_.error;
    return script_.pods;
  }

 private:
  Script& script_;
};

PodMetadata RuntimePod(const std::string& uid, std::vector<uint32_t> attempts = {0}) {
  PodMetadata pod;
  pod.uid = uid;
  pod.namespace_name = "prod";
  pod.name = "web-0";
  pod.labels = {{"app", "old"}};
  for (const uint32_t attempt : attempts) {
    ContainerMetadata container;
    container.name = "main";
    container.attempt = attempt;
    container.id = "c" + std::to_string(attempt);
    container.image = "nginx:1";
    pod.containers.push_back(container);
  }
  return pod;
}

PodMetadata KubeletPod(const std::string& uid, const std::string& app) {
  PodMetadata pod;
  pod.uid = uid;
  pod.namespace_name = "prod";
  pod.name = "web-0";
  pod.labels = {{"app", app}};
  pod.owner = {"StatefulSet", "web", "7"};
  pod.from_kubelet = true;
  return pod;
}

const Error kDown{ErrorKind::kTransient, "cannot reach the container runtime", 0};
const Error kAbsent{ErrorKind::kIo, "cannot find the socket", 0};

class MetadataStoreTest : public testing::Test {
 protected:
  MetadataStoreTest() { Restart(); }

  /// A new store over the same directory.
  void Restart(bool with_kubelet = false, uint64_t pods_max = 100) {
    MetadataStore::Options options{directory_ / "metadata", seconds(2), pods_max};
    store_ = std::make_unique<MetadataStore>(
        std::move(options),
        MetadataStore::Parts{
            .runtime = std::make_unique<ScriptedSource>(runtime_),
            .kubelet = with_kubelet ? std::make_unique<ScriptedSource>(kubelet_) : nullptr,
            .files = files_,
            .clock = clock_,
            .metrics = metrics_,
            .changed = [this](const std::vector<std::string>& uids) { told_ = uids; },
            .exited =
                [this](const PodMetadata& pod, const ContainerMetadata& container) {
                  exits_.push_back(pod.uid + "#" + std::to_string(container.attempt));
                }});
    store_->Load();
  }

  MetadataStore::Answer Ask(const std::string& uid, Duration since, uint32_t attempt = 0) {
    return store_->Ask({uid, "main", attempt}, since);
  }
  std::vector<std::string> Step() {
    told_.clear();
    pause_ = store_->Step({});
    return told_;
  }

  TemporaryDirectory directory_;
  PosixFileSystem files_;
  ManualClock clock_;
  Metrics metrics_;
  Script runtime_, kubelet_;
  std::vector<std::string> told_;
  std::vector<std::string> exits_;
  Duration pause_{0};
  std::unique_ptr<MetadataStore> store_;
};

TEST_F(MetadataStoreTest, AQuestionWaitsForTheListingThatBeginsAfterIt) {
  runtime_.pods = {};
  Step();
  EXPECT_EQ(runtime_.listings, 1);
  clock_.Advance(seconds(1));
  const Duration since = clock_.Monotonic();
  EXPECT_TRUE(Ask("a", since).wait);
  runtime_.pods = {RuntimePod("a")};
  EXPECT_THAT(Step(), ElementsAre("a"));
  const auto answer = Ask("a", since);
  EXPECT_FALSE(answer.wait);
  EXPECT_FALSE(answer.missing);
  ASSERT_NE(answer.pod, nullptr);
  EXPECT_EQ(answer.pod->labels.at("app"), "old");
  EXPECT_EQ(store_->Find("a"), answer.pod);
  EXPECT_EQ(store_->Find("b"), nullptr);
}

TEST_F(MetadataStoreTest, NobodyWaitsForWhatIsGone) {
  const Duration since = clock_.Monotonic();
  EXPECT_TRUE(Ask("gone", since).wait);
  EXPECT_THAT(Step(), ElementsAre("gone"));
  const auto answer = Ask("gone", since);
  EXPECT_FALSE(answer.wait);
  EXPECT_TRUE(answer.missing);
  EXPECT_EQ(answer.pod, nullptr);
}

TEST_F(MetadataStoreTest, AnEndIsToldOnce) {
  const auto step = [this] {
    exits_.clear();
    clock_.Advance(seconds(10));
    Step();
    EXPECT_THAT(exits_, IsEmpty());  // its last lines may be on their way
    clock_.Advance(seconds(1));
    Step();
    return exits_;
  };
  const auto end = [this](size_t run, Duration ago) {
    ContainerMetadata& container = runtime_.pods[0].containers[run];
    container.state = ContainerState::kExited;
    container.finished = clock_.Wall() - ago;
  };
  runtime_.pods = {RuntimePod("a", {0, 1, 2})};
  end(0, std::chrono::hours(2));     // nobody knows it, and it is long ago
  end(1, std::chrono::minutes(50));  // the agent was just not there
  EXPECT_THAT(step(), ElementsAre("a#1"));
  EXPECT_THAT(step(), IsEmpty());
  end(2, seconds(1));
  EXPECT_THAT(step(), ElementsAre("a#2"));
  runtime_.pods[0].containers[2].reason = "Error";  // more is known of it
  EXPECT_THAT(step(), IsEmpty());
  // Known to run when the agent ended, however long ago that was.
  runtime_.pods[0].containers.push_back(RuntimePod("a", {3}).containers[0]);
  EXPECT_THAT(step(), IsEmpty());
  end(3, std::chrono::hours(5));
  Restart();
  EXPECT_THAT(step(), ElementsAre("a#3"));
  Restart();
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(MetadataStoreTest, AnEndIsToldAgainUntilItIsStored) {
  runtime_.pods = {RuntimePod("a")};
  runtime_.pods[0].containers[0].state = ContainerState::kExited;
  runtime_.pods[0].containers[0].finished = clock_.Wall();
  Step();
  EXPECT_TRUE(files_.Exists(directory_ / "metadata/a.json"));  // but it still runs there
  EXPECT_LE(pause_, seconds(1));
  Restart();
  Step();
  clock_.Advance(seconds(1));
  Step();
  EXPECT_THAT(exits_, ElementsAre("a#0"));
  Restart();
  clock_.Advance(seconds(10));
  Step();
  clock_.Advance(seconds(1));
  Step();
  EXPECT_THAT(exits_, ElementsAre("a#0"));
}

TEST_F(MetadataStoreTest, ANewRunOfAKnownPodIsAskedFor) {
  runtime_.pods = {RuntimePod("a")};
  Step();
  clock_.Advance(seconds(1));
  const Duration since = clock_.Monotonic();
  EXPECT_FALSE(Ask("a", since, 0).wait);
  EXPECT_TRUE(Ask("a", since, 1).wait);
  runtime_.pods = {RuntimePod("a", {0, 1})};
  Step();
  EXPECT_FALSE(Ask("a", since, 1).missing);
}

TEST_F(MetadataStoreTest, AsksAtMostTenTimesASecondAndElseEveryFive) {
  Step();
  EXPECT_NEAR(static_cast<double>(pause_.count()), 5e9, 1e6);
  int before = runtime_.listings;
  for (int i = 0; i < 1000; ++i) {
    Ask("x" + std::to_string(i), clock_.Monotonic());
    Step();
    clock_.Advance(milliseconds(1));
  }
  EXPECT_THAT(runtime_.listings - before, testing::AllOf(testing::Ge(9), testing::Le(11)));
  Step();
  clock_.Advance(seconds(1));
  Step();
  before = runtime_.listings;
  for (int i = 0; i < 60; ++i) {
    clock_.Advance(seconds(1));
    Step();
  }
  EXPECT_THAT(runtime_.listings - before, testing::AllOf(testing::Ge(11), testing::Le(13)));
}

TEST_F(MetadataStoreTest, AWaitEndsInTimeWhileASourceHangs) {
  const Duration since = clock_.Monotonic();
  runtime_.during = [&] {
    EXPECT_TRUE(Ask("a", since).wait);
    clock_.Advance(seconds(1));
    store_->Expire();
    EXPECT_THAT(told_, IsEmpty());
    clock_.Advance(seconds(1));
    store_->Expire();
    EXPECT_THAT(told_, ElementsAre("a"));
    EXPECT_FALSE(Ask("a", since).wait);
    EXPECT_TRUE(Ask("a", since).missing);
  };
  Step();
  EXPECT_EQ(MetricOf(metrics_, "hinomi_metadata_waits_expired_total"), 1);
}

TEST_F(MetadataStoreTest, NobodyWaitsForASourceThatIsDown) {
  for (const Error& error : {kDown, kAbsent}) {
    Restart();
    runtime_.error = error;
    const Duration since = clock_.Monotonic();
    EXPECT_TRUE(Ask("a", since).wait);
    EXPECT_THAT(Step(), ElementsAre("a"));
    EXPECT_FALSE(Ask("a", since).wait);
    // Where there is nobody to ask, nothing is missing.
    EXPECT_EQ(Ask("a", since).missing, error.kind == ErrorKind::kTransient);
    EXPECT_EQ(MetricOf(metrics_, "hinomi_metadata_source_up{source=\"runtime\"}"), 0);
  }
  EXPECT_EQ(MetricOf(metrics_, "hinomi_metadata_errors_total{source=\"runtime\"}"), 1);
}

TEST_F(MetadataStoreTest, ADeadSourceIsAskedLessAndLessAndComesBack) {
  runtime_.error = kDown;
  for (const int wait : {1, 2, 4, 8, 16, 30, 30}) {
    const int before = runtime_.listings;
    Step();
    EXPECT_EQ(runtime_.listings, before + 1);
    EXPECT_NEAR(static_cast<double>(pause_.count()), wait * 1e9, 1e6);
    clock_.Advance(seconds(wait) - milliseconds(10));
    Step();
    EXPECT_EQ(runtime_.listings, before + 1);
    clock_.Advance(milliseconds(20));
  }
  runtime_.error.reset();
  runtime_.pods = {RuntimePod("a")};
  EXPECT_THAT(Step(), ElementsAre("a"));
  EXPECT_EQ(MetricOf(metrics_, "hinomi_metadata_source_up{source=\"runtime\"}"), 1);
}

TEST_F(MetadataStoreTest, SaysWhatKeepsASourceFromAnswering) {
  EXPECT_THAT(store_->Problems(), IsEmpty());
  runtime_.error = kAbsent;
  Step();
  EXPECT_THAT(store_->Problems(), ElementsAre(Pair("runtime", kAbsent.message)));
  clock_.Advance(seconds(60));
  runtime_.error.reset();
  Step();
  EXPECT_THAT(store_->Problems(), IsEmpty());
}

TEST_F(MetadataStoreTest, WhatIsGoneFromTheRuntimeStaysKnown) {
  runtime_.pods = {RuntimePod("a", {0})};
  Step();
  runtime_.pods = {RuntimePod("a", {1})};
  clock_.Advance(seconds(6));
  EXPECT_THAT(Step(), ElementsAre("a"));
  EXPECT_NE(FindContainer(*store_->Find("a"), "main", 0), nullptr);
  EXPECT_NE(FindContainer(*store_->Find("a"), "main", 1), nullptr);
  runtime_.pods = {};
  clock_.Advance(seconds(6));
  EXPECT_THAT(Step(), IsEmpty());
  Restart();
  runtime_.error = kDown;
  const auto answer = Ask("a", clock_.Monotonic());
  EXPECT_FALSE(answer.wait || answer.missing) << "it was known before the restart";
  EXPECT_EQ(answer.pod->containers.size(), 2u);
}

TEST_F(MetadataStoreTest, ForgetsOnlyWhatIsGoneAndSettled) {
  runtime_.pods = {RuntimePod("lives"), RuntimePod("unsettled"), RuntimePod("gone")};
  Step();
  store_->Keep({});
  EXPECT_NE(store_->Find("gone"), nullptr) << "the runtime still lists it";
  runtime_.pods = {RuntimePod("lives")};
  clock_.Advance(seconds(6));
  Step();
  store_->Keep({"unsettled"});
  Step();
  EXPECT_EQ(store_->Find("gone"), nullptr);
  EXPECT_FALSE(files_.Exists(directory_ / "metadata/gone.json"));
  for (const std::string uid : {"lives", "unsettled"}) {
    EXPECT_NE(store_->Find(uid), nullptr) << uid;
    EXPECT_TRUE(files_.Exists(directory_ / ("metadata/" + uid + ".json"))) << uid;
  }
  EXPECT_EQ(MetricOf(metrics_, "hinomi_metadata_pods"), 2);
  // After a restart nothing is forgotten before the runtime has said what there is.
  Restart();
  store_->Keep({});
  EXPECT_NE(store_->Find("unsettled"), nullptr);
  Step();
  store_->Keep({});
  EXPECT_EQ(store_->Find("unsettled"), nullptr);
}

TEST_F(MetadataStoreTest, TheKubeletKnowsOwnersAndChanges) {
  Restart(true);
  runtime_.pods = {RuntimePod("a")};
  const Duration since = clock_.Monotonic();
  EXPECT_TRUE(Ask("a", since).wait);
  kubelet_.pods = {KubeletPod("a", "new")};
  EXPECT_THAT(Step(), ElementsAre("a"));
  auto pod = Ask("a", since).pod;
  EXPECT_EQ(pod->labels.at("app"), "new");
  EXPECT_EQ(pod->owner.name, "web");
  EXPECT_EQ(pod->containers.size(), 1u);
  kubelet_.pods = {KubeletPod("a", "newer")};
  clock_.Advance(seconds(6));
  EXPECT_THAT(Step(), ElementsAre("a"));
  EXPECT_EQ(Ask("a", since).pod->labels.at("app"), "newer") << "within ten seconds";
  kubelet_.error = kDown;
  clock_.Advance(seconds(6));
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(Ask("a", since).pod->owner.name, "web") << "its last word holds";
}

TEST_F(MetadataStoreTest, OnlyTheKubeletKnowsWhatIsReady) {
  Restart(true);
  runtime_.pods = {RuntimePod("a"), RuntimePod("b")};
  kubelet_.pods = {KubeletPod("a", "x")};
  const auto ready = [&] {
    std::vector<std::pair<std::string, std::optional<bool>>> pods;
    for (const auto& listed : store_->Pods()) pods.emplace_back(listed.pod->uid, listed.ready);
    return pods;
  };
  const auto next = [&](std::optional<bool> now) {
    kubelet_.pods[0].ready = now;
    clock_.Advance(seconds(31));
    return Step();
  };
  next(true);
  EXPECT_THAT(ready(), ElementsAre(Pair("a", true), Pair("b", std::nullopt)));
  EXPECT_THAT(next(false), IsEmpty()) << "it comes and goes; logs have nothing of it";
  EXPECT_THAT(ready(), ElementsAre(Pair("a", false), Pair("b", std::nullopt)));
  kubelet_.error = kDown;
  next(true);
  EXPECT_THAT(ready(), ElementsAre(Pair("a", std::nullopt), Pair("b", std::nullopt)));
  kubelet_.error.reset();
  next(true);
  EXPECT_THAT(ready(), ElementsAre(Pair("a", true), Pair("b", std::nullopt)));
  kubelet_.pods.clear();
  runtime_.pods.pop_back();
  clock_.Advance(seconds(31));
  Step();
  EXPECT_THAT(ready(), ElementsAre(Pair("a", std::nullopt)));
}

TEST_F(MetadataStoreTest, TheKubeletStandsInForARuntime) {
  Restart(true);
  runtime_.error = kAbsent;
  kubelet_.pods = {KubeletPod("a", "x")};
  const Duration since = clock_.Monotonic();
  EXPECT_TRUE(Ask("a", since).wait);
  Step();
  EXPECT_FALSE(Ask("a", since).wait || Ask("a", since).missing);
  EXPECT_TRUE(Ask("b", since).missing);
  kubelet_.pods = {};
  clock_.Advance(seconds(6));
  Step();
  store_->Keep({});
  EXPECT_EQ(store_->Find("a"), nullptr);
}

TEST_F(MetadataStoreTest, APodThatDidNotChangeIsNotToldNorWritten) {
  runtime_.pods = {RuntimePod("a")};
  EXPECT_THAT(Step(), ElementsAre("a"));
  const auto pod = store_->Find("a");
  ASSERT_TRUE(files_.Remove(directory_ / "metadata/a.json"));
  clock_.Advance(seconds(6));
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(store_->Find("a"), pod);
  EXPECT_FALSE(files_.Exists(directory_ / "metadata/a.json"));
}

TEST_F(MetadataStoreTest, DamagedFilesAreCountedAndLeftOut) {
  runtime_.pods = {RuntimePod("a"), RuntimePod("b")};
  Step();
  directory_.Append("metadata/b.json", "x");
  directory_.Append("metadata/c.json", ToJson(RuntimePod("a")));
  directory_.Append("metadata/a.json.new", "{");
  Restart();
  EXPECT_NE(store_->Find("a"), nullptr);
  EXPECT_EQ(store_->Find("b"), nullptr);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_metadata_files_damaged_total"), 2);
  Step();
  EXPECT_FALSE(files_.Exists(directory_ / "metadata/a.json.new"));
  EXPECT_FALSE(files_.Exists(directory_ / "metadata/c.json"));
  Restart();
  EXPECT_NE(store_->Find("b"), nullptr) << "the runtime still knew it";
  EXPECT_EQ(MetricOf(metrics_, "hinomi_metadata_files_damaged_total"), 2);
}

TEST_F(MetadataStoreTest, IsBounded) {
  Restart(false, 2);
  runtime_.pods = {RuntimePod("a"), RuntimePod("b"), RuntimePod("c")};
  for (uint32_t i = 0; i < 1000; ++i) {
    runtime_.pods[0].labels["k" + std::to_string(i)] = std::string(1000, 'x');
  }
  Step();
  EXPECT_EQ(store_->Find("c"), nullptr);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_metadata_pods"), 2);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_metadata_pods_refused"), 1);
  EXPECT_LT(store_->Find("a")->labels.size(), 70u);
  for (uint32_t attempt = 1; attempt < 80; ++attempt) {
    runtime_.pods = {RuntimePod("b", {attempt})};
    clock_.Advance(seconds(6));
    Step();
  }
  EXPECT_LE(store_->Find("b")->containers.size(), 65u);
  EXPECT_NE(FindContainer(*store_->Find("b"), "main", 20), nullptr) << "the newest stay";
}

TEST_F(MetadataStoreTest, WhatCannotBeWrittenIsCountedAndTriedAgain) {
  runtime_.pods = {RuntimePod("a")};
  directory_.Rename("metadata", "elsewhere");
  Step();
  EXPECT_GE(MetricOf(metrics_, "hinomi_metadata_write_errors_total"), 1);
  EXPECT_NE(store_->Find("a"), nullptr);
  directory_.Rename("elsewhere", "metadata");
  Step();
  EXPECT_TRUE(files_.Exists(directory_ / "metadata/a.json"));
}

TEST_F(MetadataStoreTest, RunAnswersAtOnceAndStopsAtOnce) {
  SystemClock clock;
  std::atomic<bool> told = false;
  runtime_.pods = {RuntimePod("a")};
  MetadataStore store({directory_ / "run", seconds(2), 10},
                      {.runtime = std::make_unique<ScriptedSource>(runtime_),
                       .kubelet = nullptr,
                       .files = files_,
                       .clock = clock,
                       .metrics = metrics_,
                       .changed = [&](const std::vector<std::string>&) { told = true; }});
  store.Load();
  std::jthread thread([&](const std::stop_token& stop) { store.Run(stop); });
  const Duration since = clock.Monotonic();
  while (store.Ask({"b", "main", 0}, since).wait && clock.Monotonic() < since + seconds(5)) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_LT(clock.Monotonic(), since + seconds(1));
  EXPECT_TRUE(told);
  const Duration asked_to_stop = clock.Monotonic();
  thread.request_stop();
  thread.join();
  EXPECT_LT(clock.Monotonic(), asked_to_stop + seconds(1));
}

}  // namespace
}  // namespace hinomi
