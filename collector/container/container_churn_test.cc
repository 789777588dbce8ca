// Pods that come and go by the thousand, on a node made of files.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "collector/endpoints.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
extern "C" size_t __sanitizer_get_current_allocated_bytes();  // GCC's package has no header for it
#endif

namespace hinomi {
namespace {

constexpr int kAtOnce = 200, kPods = 10'000;

size_t HeapBytes() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return __sanitizer_get_current_allocated_bytes();
#else
  return mallinfo2().uordblks;
#endif
}

class ContainerChurnTest : public testing::Test {
 protected:
  // A disk needs half a minute for so many files.
  static void SetUpTestSuite() { setenv("TMPDIR", "/dev/shm", 1); }
  ContainerChurnTest() {
    directory_.Append("memory.stat", "anon 250000\nfile 600000\ninactive_file 300000\n");
    directory_.Append("memory.events", "oom_kill 0\n");
    directory_.Append("sys/fs/cgroup/cgroup.controllers", "memory\n");
    for (const char* path : {"sys/fs/cgroup/memory.stat", "sys/fs/cgroup/kubepods/memory.stat"}) {
      directory_.Append(path, "anon 1\nfile 1\n");
    }
    directory_.Append("proc/stat", "btime 1795000000\n");
    for (const char* path : {"var/log/pods", "var/log/containers"}) {
      std::filesystem::create_directories(directory_ / path);
    }
    config_.host_root = directory_.path();
    config_.state_dir = directory_ / "state";
    config_.metrics.exclude = {"cpu", "pressure", "limits", "disk", "network", "tcp"};  // for speed
    endpoints_ = std::make_unique<MetricEndpoints>(
        config_, MetricEndpoints::Parts{nullptr, nullptr, files_, clock_, metrics_, "1.0"});
  }

  /// What the kubelet and the kernel make of a pod with one container; in the order of removal.
  std::vector<std::string> PathsOf(int pod) const {
    const std::string uid = fmt::format("{:08}-0000-4000-8000-000000000000", pod);
    const std::string id = fmt::format("{:064}", pod);
    const std::string cgroup = directory_ / ("sys/fs/cgroup/kubepods/pod" + uid);
    const std::string container = cgroup + "/" + id;
    return {container + "/memory.events",
            container + "/memory.stat",
            container,
            cgroup + "/memory.stat",
            cgroup,
            directory_ / fmt::format("var/log/pods/shop_web-{}_{}", pod, uid),
            directory_ / fmt::format("var/log/containers/web-{}_shop_main-{}.log", pod, id)};
  }
  void Make(int pod) const {
    const std::vector<std::string> paths = PathsOf(pod);
    for (const size_t i : {4, 2, 5}) mkdir(paths[i].c_str(), 0755);
    for (const size_t i : {1, 3, 6}) link((directory_ / "memory.stat").c_str(), paths[i].c_str());
    link((directory_ / "memory.events").c_str(), paths[0].c_str());
  }
  void Remove(int pod) const {
    for (const std::string& path : PathsOf(pod)) remove(path.c_str());
  }

  /// The rows of one scrape.
  size_t Scrape() {
    Scraper& scraper = *endpoints_->scrapers().at("/metrics/cadvisor");
    const std::string text = scraper.Scrape(ExpositionFormat::kText);
    size_t rows = 0;
    for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) rows += text[at] != '#';
    return rows;
  }
  static size_t OpenDescriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }

  const TemporaryDirectory directory_;
  PosixFileSystem files_;
  ManualClock clock_;
  Metrics metrics_;
  Config config_;
  std::unique_ptr<MetricEndpoints> endpoints_;
};

TEST_F(ContainerChurnTest, LeavesNothingBehind) {
  const size_t rows_before = Scrape(), descriptors_before = OpenDescriptors();
  size_t rows_there = 0, heap_before = 0;
  for (int first = 0; first < kPods; first += kAtOnce) {
    for (int pod = first; pod < first + kAtOnce; ++pod) Make(pod);
    const size_t rows = Scrape();
    if (first == 0) rows_there = rows;
    EXPECT_EQ(rows, rows_there);
    EXPECT_GT(rows, rows_before + 4 * kAtOnce);
    for (int pod = first; pod < first + kAtOnce; ++pod) Remove(pod);
    ASSERT_EQ(Scrape(), rows_before) << "after " << first + kAtOnce << " pods";
    ASSERT_EQ(OpenDescriptors(), descriptors_before);
    if (first == 0) heap_before = HeapBytes();
  }
  EXPECT_LT(HeapBytes(), heap_before + (16 << 10)) << "less than two bytes a pod";
  EXPECT_FALSE(files_.Exists(config_.state_dir)) << "nobody was killed";
}

}  // namespace
}  // namespace hinomi
