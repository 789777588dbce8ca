// Boot time, context switches, forks, interrupts, processes.
// Source: /proc/stat.
#include "collector/node/stat.h"

#include <algorithm>

#include "collector/words.h"

namespace hinomi {
namespace {

// As the metrics.
constexpr std::string_view kKeys[] = {"btime", "ctxt",          "processes",
                                      "intr",  "procs_blocked", "procs_running"};
static_assert(std::size(kKeys) == std::size(kStatMetrics));

}  // namespace

Result<std::vector<std::optional<double>>> ParseStat(std::string_view text) {
  std::vector<std::optional<double>> values(std::size(kKeys));
  while (auto line = TakeLine(&text)) {
    const auto* key = std::find(std::begin(kKeys), std::end(kKeys), TakeWord(&*line));
    if (key == std::end(kKeys)) continue;
    const std::optional<uint64_t> count = ParseCount(TakeWord(&*line));  // intr has more behind it
    if (!count) return Unexpected("/proc/stat", "a number behind " + std::string(*key));
    values[static_cast<size_t>(key - kKeys)] = static_cast<double>(*count);
  }
  return values;
}

namespace {

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  return ForFile(parts.host, "/proc/stat", ParseStat, [&](const auto& values) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i]) out.Single(kStatMetrics[i], *values[i]);
    }
  });
}

}  // namespace

std::unique_ptr<Collector> MakeStat(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
