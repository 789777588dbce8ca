// Time of processors, by mode.
// Source: /proc/stat, in ticks (USER_HZ).
#include "collector/node/cpu.h"

#include <unistd.h>

#include <algorithm>

#include "collector/words.h"

namespace hinomi {
namespace {

constexpr std::string_view kModes[] = {"user",   "nice", "system",  "idle",
                                       "iowait", "irq",  "softirq", "steal"};
constexpr size_t kIdle = 3;
constexpr std::string_view kGuestModes[] = {"user", "nice"};

}  // namespace

Result<Table> ParseCpuTimes(std::string_view text) {
  Table table;
  while (auto line = TakeLine(&text)) {
    std::string_view name = TakeWord(&*line);
    if (!name.starts_with("cpu") || name == "cpu") continue;  // the last is the sum
    name.remove_prefix(3);
    const auto ticks = ParseCounts(*line);
    if (!ParseCount(name) || !ticks || ticks->size() <= kIdle) {
      return Unexpected("/proc/stat", "times of a processor");
    }
    table.push_back({std::string(name), {ticks->begin(), ticks->end()}});
  }
  if (table.empty()) return Unexpected("/proc/stat", "processors");
  return table;
}

void KeepFromGoingBack(const TableRow& before, double ticks_per_second, TableRow* now) {
  constexpr double kSecondsMax = 3;
  if (before.values.size() != now->values.size()) return;
  if (*now->values[kIdle] < *before.values[kIdle] - kSecondsMax * ticks_per_second) return;
  for (size_t i = 0; i < now->values.size(); ++i) {
    now->values[i] = std::max(now->values[i], before.values[i]);
  }
}

namespace {

class Cpu final : public Collector {
 public:
  explicit Cpu(const Host& host) : host_(host) {}

  Result<void> Collect(Exposition& out) override {
    return ForFile(host_, "/proc/stat", ParseCpuTimes, [&](const Table& times) {
      Remember(times);
      Write(kCpuMetrics[0], kModes, 0, out);
      Write(kCpuMetrics[1], kGuestModes, std::size(kModes), out);
    });
  }

 private:
  void Remember(Table times) {
    for (TableRow& now : times) {
      const auto before = std::find_if(times_.begin(), times_.end(),
                                       [&](const TableRow& row) { return row.name == now.name; });
      if (before != times_.end()) KeepFromGoingBack(*before, ticks_per_second_, &now);
    }
    times_ = std::move(times);
  }

  // The columns from `first` on as these modes.
  void Write(const MetricInfo& metric, std::span<const std::string_view> modes, size_t first,
             Exposition& out) {
    if (!out.Begin(metric)) return;
    for (const TableRow& row : times_) {
      for (size_t i = 0; i < modes.size() && first + i < row.values.size(); ++i) {
        out.Row({{"cpu", row.name}, {"mode", modes[i]}},
                *row.values[first + i] / ticks_per_second_);
      }
    }
  }

  const Host& host_;
  const double ticks_per_second_ = static_cast<double>(sysconf(_SC_CLK_TCK));
  Table times_;  // of the last scrape
};

}  // namespace

std::unique_ptr<Collector> MakeCpu(const CollectorParts& parts) {
  return std::make_unique<Cpu>(parts.host);
}

}  // namespace hinomi
