// Time that processes ran and waited for a processor.
// Source: /proc/schedstat, nanoseconds; there with CONFIG_SCHEDSTATS.
#include "collector/node/schedstat.h"

#include "collector/words.h"

namespace hinomi {

Result<Table> ParseSchedstat(std::string_view text) {
  constexpr double kNanoseconds = 1e9;
  Table table;
  while (auto line = TakeLine(&text)) {
    std::string_view name = TakeWord(&*line);
    if (!name.starts_with("cpu")) continue;
    name.remove_prefix(3);
    const auto counts = ParseCounts(*line);
    if (!ParseCount(name) || !counts || counts->size() < 9) {
      return Unexpected("/proc/schedstat", "nine numbers of a processor");
    }
    const auto at = [&](size_t index) { return static_cast<double>((*counts)[index]); };
    table.push_back({std::string(name), {at(6) / kNanoseconds, at(7) / kNanoseconds, at(8)}});
  }
  return table;
}

namespace {

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  return ForFile(parts.host, "/proc/schedstat", ParseSchedstat,
                 [&](const Table& table) { WriteTable(table, "cpu", kSchedstatMetrics, out); });
}

}  // namespace

std::unique_ptr<Collector> MakeSchedstat(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
