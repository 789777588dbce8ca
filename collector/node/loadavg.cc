// The load averages: how many tasks ran or waited for a disk. Copy this file to start a collector.
// Source: /proc/loadavg.
#include "collector/node/loadavg.h"

#include "collector/words.h"

namespace hinomi {

Result<LoadAverages> ParseLoadavg(std::string_view text) {
  const std::optional<double> one = ParseDouble(TakeWord(&text));
  const std::optional<double> five = ParseDouble(TakeWord(&text));
  const std::optional<double> fifteen = ParseDouble(TakeWord(&text));
  if (!one || !five || !fifteen) return Unexpected("/proc/loadavg", "three numbers");
  return LoadAverages{*one, *five, *fifteen};
}

namespace {

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  return ForFile(parts.host, "/proc/loadavg", ParseLoadavg, [&](const LoadAverages& load) {
    out.Single(kLoadavgMetrics[0], load.one);
    out.Single(kLoadavgMetrics[1], load.five);
    out.Single(kLoadavgMetrics[2], load.fifteen);
  });
}

}  // namespace

std::unique_ptr<Collector> MakeLoadavg(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
