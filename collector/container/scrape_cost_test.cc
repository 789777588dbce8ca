// What a scrape of containers costs the agent beyond the kernel's files: no allocation per
// container.
#include <gtest/gtest.h>

#include <string>

#include "base/count_allocations.h"
#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "collector/endpoints.h"

namespace hinomi {
namespace {

class ScrapeCostTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    directory_.Append(path.substr(1), text);
  }

  void WriteCgroup(const std::string& path) {
    const std::string cgroup = "/sys/fs/cgroup" + path;
    Write(cgroup + "/cpu.stat", "usage_usec 5\nuser_usec 3\nsystem_usec 2\n");
    Write(cgroup + "/memory.current", "4096\n");
    Write(cgroup + "/memory.stat", "anon 5\nfile 6\ninactive_file 7\n");
    Write(cgroup + "/memory.events", "max 0\noom_kill 0\n");
    Write(cgroup + "/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4\n");
  }

  // A container, or the sandbox, of pod number `pod`; its process is `process`.
  void AddCgroup(int pod, int process, const std::string& container) {
    const std::string number = std::to_string(1'000'000'000 + pod);
    const std::string uid = "00000000-0000-4000-8000-00" + number;
    const std::string id = std::string(48, container.empty() ? 'a' : 'b') + "000000" + number;
    const std::string pod_cgroup = "/kubepods/burstable/pod" + uid;
    if (container.empty()) WriteCgroup(pod_cgroup);
    WriteCgroup(pod_cgroup + "/" + id);
    Write("/sys/fs/cgroup" + pod_cgroup + "/" + id + "/cgroup.procs",
          std::to_string(process) + "\n");
    const std::string proc = "/proc/" + std::to_string(process);
    Write(proc + "/comm", container.empty() ? "pause\n" : "java\n");
    Write(proc + "/stat", "1 (x) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 20 0 1 0 500 0\n");
    Write(proc + "/net/dev",
          "    lo: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n"
          "  eth0: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n");
    Write(proc + "/ns/net", "");
    if (container.empty()) {
      Write("/var/log/pods/shop_web-" + number + "_" + uid + "/main/0.log", "");
    } else {
      Write("/var/log/containers/web-" + number + "_shop_" + container + "-" + id + ".log", "");
    }
  }

  void SetUp() override {
    Write("/sys/fs/cgroup/cgroup.controllers", "");
    for (const char* path : {"", "/kubepods", "/kubepods/burstable"}) WriteCgroup(path);
    Write("/proc/1/ns/net", "");
    Write("/proc/stat", "btime 1000\n");
  }

  // Of a scrape of so many pods, when nothing is new. Counts the rows of one as well.
  uint64_t Allocations(int pods) {
    for (; pods_ < pods; ++pods_) {
      AddCgroup(pods_, 1000 + 2 * pods_, "");
      AddCgroup(pods_, 1001 + 2 * pods_, "main");
    }
    Config config;
    config.host_root = directory_.path();
    config.state_dir = directory_ / "state";
    config.metrics.include = {".*"};
    config.metrics.exclude = {"tcp", "descriptors"};  // by workload and process, found anew
    Metrics metrics;
    MetricEndpoints endpoints(config, {nullptr, nullptr, files_, clock_, metrics, "1.2.3"});
    Scraper& scraper = *endpoints.scrapers().at("/metrics/cadvisor");
    const auto scrape = [&] {
      bytes_ = 0;
      const auto take = [this](std::string_view text) { bytes_ += text.size(); };
      bytes_ += scraper.Scrape(ExpositionFormat::kText, take).size();
    };
    scrape();
    scrape();
    const uint64_t before = AllocationsSoFar();
    scrape();
    return AllocationsSoFar() - before;
  }

  const TemporaryDirectory directory_;
  PosixFileSystem files_;
  ManualClock clock_;
  int pods_ = 0;
  size_t bytes_ = 0;
};

TEST_F(ScrapeCostTest, AllocatesNothingPerContainer) {
  const uint64_t few = Allocations(10);
  const size_t few_bytes = bytes_;
  const uint64_t many = Allocations(100);
  EXPECT_GT(bytes_, 8 * few_bytes) << "all have rows";
  EXPECT_LE(many, few + 2) << "but for the text, which doubles until it is enough for a piece";
}

}  // namespace
}  // namespace hinomi
