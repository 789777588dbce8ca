#include "app/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>

#include "app/version.h"
#include "base/logging.h"

namespace hinomi {
namespace {

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Pages of /proc/self/statm: total, resident.
std::pair<double, double> MemoryBytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  return {total * page, resident * page};
}

double OpenFiles() {
  std::error_code code;
  const std::filesystem::directory_iterator files("/proc/self/fd", code);
  return code ? 0 : static_cast<double>(std::distance(begin(files), end(files)) - 1);
}

// A counter that is kept elsewhere: adds what it has grown by.
class Mirror {
 public:
  explicit Mirror(Counter counter) : counter_(counter) {}
  void Set(double value) {
    if (value > last_) counter_.Add(value - last_);
    last_ = value;
  }

 private:
  Counter counter_;
  double last_ = 0;
};

}  // namespace

ProcessUsage ReadProcessUsage() {
  return {static_cast<uint64_t>(MemoryBytes().second), CpuSeconds()};
}

Metrics::Hook RegisterProcessMetrics(Metrics& metrics) {
  metrics
      .GaugeOf("hinomi_build_info", "1, with the version and commit of this build.",
               {{"version", kVersion}, {"commit", kCommit}})
      .Set(1);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  metrics.GaugeOf("process_start_time_seconds", "Unix time of the start.")
      .Set(std::chrono::duration<double>(now).count());
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  metrics.GaugeOf("process_max_fds", "Limit of open file descriptors.")
      .Set(static_cast<double>(limit.rlim_cur));
  Gauge resident = metrics.GaugeOf("process_resident_memory_bytes", "Resident memory.");
  Gauge total = metrics.GaugeOf("process_virtual_memory_bytes", "Virtual memory.");
  Gauge files = metrics.GaugeOf("process_open_fds", "Open file descriptors.");
  auto cpu = std::make_shared<Mirror>(
      metrics.CounterOf("process_cpu_seconds_total", "CPU time, user and system."));
  auto swallowed = std::make_shared<Mirror>(
      metrics.CounterOf("hinomi_own_log_lines_swallowed_total",
                        "Lines of the agent's own log that its throttle held back."));
  return metrics.OnScrape([resident, total, files, cpu, swallowed]() mutable {
    const auto [total_bytes, resident_bytes] = MemoryBytes();
    total.Set(total_bytes);
    resident.Set(resident_bytes);
    files.Set(OpenFiles());
    cpu->Set(CpuSeconds());
    swallowed->Set(static_cast<double>(log::Swallowed()));
  });
}

}  // namespace hinomi
