// Reloads beside everything else that runs: for the thread sanitizer, and for what threads leave.
#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>

#include "base/temporary_directory.h"
#include "shipper/shipper.h"

namespace hinomi {
namespace {

constexpr char kLog[] = "pods/prod_web_0b1c2d3e-0000-4000-8000-000000000001/main/0.log";

SinkConfig Archive(const std::string& name, const std::string& directory) {
  SinkConfig sink;
  sink.name = name;
  sink.type = SinkType::kArchive;
  sink.archive.directory = directory;
  sink.archive.sync_every = std::chrono::milliseconds(10);
  return sink;
}

size_t ThreadsOfProcess() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST(ShipperReload, BesideLogsScrapesAndQuestions) {
  const TemporaryDirectory root;
  PosixFileSystem files;
  SystemClock clock;
  Metrics metrics;
  Config config;
  config.host_root = root.path();
  config.state_dir = root / "state";
  config.kubernetes.pods_dir = "/pods";
  config.escrow.free_percent_min = 0;
  config.metadata.enabled = false;
  std::filesystem::create_directories(root / "pods");
  std::filesystem::create_directories(config.state_dir);
  config.sinks = {Archive("keep", root / "keep"), Archive("other", root / "other")};
  config.routes = {{.name = "all", .match = {}, .sink = "keep"}};
  const std::string own_pod;
  Shipper shipper(config, own_pod, {files, clock, metrics});
  shipper.Start();
  const size_t threads = ThreadsOfProcess();
  {
    const std::jthread asks([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        metrics.Expose();
        shipper.Status();
        shipper.SinkErrors();
        shipper.Explain({});
        EXPECT_FALSE(shipper.config().routes.empty());
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
    const std::jthread writes([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        root.Append(kLog, "2026-11-21T02:26:54.000000001Z stdout F line\n");
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
    for (int round = 0; round < 12; ++round) {
      config.sinks[1].archive.level = 1 + static_cast<uint64_t>(round % 2);
      config.routes.resize(1);
      config.routes[0].sink = round % 3 == 0 ? "other" : "keep";
      if (round % 2 == 0) config.routes.push_back({.name = "more", .match = {}, .sink = "other"});
      shipper.Reload(config, [] { return false; });
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  config.routes.resize(1);
  shipper.Reload(config, [] { return false; });
  EXPECT_EQ(ThreadsOfProcess(), threads);
  EXPECT_TRUE(shipper.Drain(std::chrono::seconds(20)));
  for (const LedgerEntry& entry : shipper.TakeLedger().entries) {
    EXPECT_EQ(entry.imbalance, 0) << entry.route;
    EXPECT_EQ(entry.produced, entry.settled.Total()) << entry.route;
  }
}

}  // namespace
}  // namespace hinomi
