#include "collector/container/oom_watch.h"

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "base/metric_of.h"
#include "collector/node/test_host.h"

namespace hinomi {
namespace {

constexpr std::string_view kUid = "8bbdf3c9-23fa-4087-aa72-9afd5ebcdc76";
const std::string kId(64, 'a');

// As Linux 6.18 writes it.
std::string Record(const std::string& cgroup) {
  return "6,4767,58425865753,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,"
         "mems_allowed=0,oom_memcg=/kubepods/burstable,task_memcg=" +
         cgroup + ",task=tail,pid=7512,uid=0\n";
}

TEST(OomWatch, WhoseTaskItWas) {
  EXPECT_EQ(OomKilledCgroup(Record("/kubepods/burstable/podx/y")), "/kubepods/burstable/podx/y");
  EXPECT_EQ(OomKilledCgroup(Record("/a,task=b")), "/a,task=b");
  for (const char* record :
       {"", ";", "4,1,2,-;tail invoked oom-killer: gfp_mask=0xcc0", "6,1,2,-;oom-kill:task=x",
        "6,1,2,-;oom-kill:,task_memcg=/x", "6,1,2,-;oom-kill:,task=x,task_memcg=/x",
        "6,1,2,-;a user wrote oom-kill:,task_memcg=/x,task=y"}) {
    EXPECT_EQ(OomKilledCgroup(record), std::nullopt) << record;
  }
}

TEST(OomWatch, WhichContainerThatIs) {
  std::string in_unit(kUid);
  std::replace(in_unit.begin(), in_unit.end(), '-', '_');
  const std::string slice =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + in_unit + ".slice";
  const std::string scope = slice + "/cri-containerd-" + kId + ".scope";
  const std::string pod = "/kubepods/burstable/pod" + std::string(kUid);
  const std::string plain = pod + "/" + kId;
  const std::string nested = "/kubelet.slice";
  const struct {
    std::string path, pod, container;
  } kCases[] = {
      {scope, slice, scope},
      {scope + "/init.scope", slice, scope},
      {plain, pod, plain},
      {plain + "/a/b", pod, plain},
      {nested + plain, nested + pod, nested + plain},
  };
  for (const auto& c : kCases) {
    const auto paths = ContainerOfPath(c.path);
    ASSERT_TRUE(paths) << c.path;
    EXPECT_EQ(paths->pod, c.pod);
    EXPECT_EQ(paths->container, c.container);
  }
  for (const std::string& path : {std::string("/"), std::string(), "/docker/" + kId, pod}) {
    EXPECT_FALSE(ContainerOfPath(path)) << path;
  }
}

class OomWatchTest : public testing::Test {
 protected:
  uint64_t Counted() { return kills_.Observe({"shop", "web", "main"}, "another", 0); }
  double Unnamed() { return MetricOf(metrics_, "hinomi_oom_kills_unnamed_total"); }

  TestHost host_files_;
  Host host_{host_files_.root()};
  Config config_;
  PosixFileSystem files_;
  ManualClock clock_;
  Metrics metrics_;
  OomKills kills_{host_files_.root() + "/oom_kills", files_, clock_, metrics_};
  OomWatch watch_{{host_, config_, nullptr, kills_, clock_, metrics_}};
  const std::string record_ = Record("/kubepods/pod" + std::string(kUid) + "/" + kId);
};

TEST_F(OomWatchTest, CountsWhatIsGoneBeforeAScrape) {
  host_files_.Write("/var/log/containers/web_shop_main-" + kId + ".log", "");
  host_files_.Write("/var/log/pods/shop_web_" + std::string(kUid) + "/main/0.log", "");
  watch_.Take(record_);
  watch_.Take(record_);
  watch_.Settle();
  EXPECT_EQ(Counted(), 2u);
  EXPECT_EQ(kills_.Observe({"shop", "web", "main"}, kId, 3), 3u) << "the cgroup knows them too";
  watch_.Take(record_);
  watch_.Settle();
  EXPECT_EQ(Counted(), 3u);
}

TEST_F(OomWatchTest, WaitsForTheName) {
  watch_.Take(record_);
  watch_.Settle();
  clock_.Advance(std::chrono::seconds(9));
  watch_.Settle();
  host_files_.Write("/var/log/containers/web_shop_main-" + kId + ".log", "");
  host_files_.Write("/var/log/pods/shop_web_" + std::string(kUid) + "/main/0.log", "");
  watch_.Settle();
  EXPECT_EQ(Counted(), 1u);
  EXPECT_EQ(Unnamed(), 0);
}

// The counts of the latest containers are kept; those of a kill that waits for its name go with it.
TEST_F(OomWatchTest, OthersDoNotMakeItForget) {
  watch_.Take(record_);
  for (int i = 0; i < 2000; ++i) {
    const std::string id = std::to_string(i);
    watch_.Take(
        Record("/kubepods/pod" + std::string(kUid) + "/" + std::string(64 - id.size(), '0') + id));
  }
  host_files_.Write("/var/log/containers/web_shop_main-" + kId + ".log", "");
  host_files_.Write("/var/log/pods/shop_web_" + std::string(kUid) + "/main/0.log", "");
  watch_.Settle();
  EXPECT_EQ(Counted(), 1u);
}

TEST_F(OomWatchTest, CountsWhatNobodyCanName) {
  watch_.Take(record_);
  clock_.Advance(std::chrono::seconds(10));
  watch_.Settle();
  watch_.Settle();
  EXPECT_EQ(Unnamed(), 1);
}

}  // namespace
}  // namespace hinomi
