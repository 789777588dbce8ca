// Packets between the network's interrupts and the protocols, by processor.
// Source: /proc/1/net/softnet_stat, hexadecimal; later kernels have more columns.
#include "collector/node/softnet.h"

#include "collector/words.h"

namespace hinomi {

Result<Table> ParseSoftnet(std::string_view text) {
  // Of each metric; time_squeeze is followed by columns that are always zero.
  constexpr size_t kColumns[] = {0, 1, 2, 8, 9, 10, 11};
  static_assert(std::size(kColumns) == std::size(kSoftnetMetrics));
  constexpr size_t kCpuColumn = 12;
  Table table;
  while (const auto line = TakeLine(&text)) {
    const auto counts = ParseCounts(*line, 16);
    if (!counts || counts->size() < 3) {
      return Unexpected(kSoftnetFile, "at least three hexadecimal numbers");
    }
    const uint64_t cpu = counts->size() > kCpuColumn ? (*counts)[kCpuColumn] : table.size();
    TableRow& row = table.emplace_back(TableRow{std::to_string(cpu), {}});
    for (const size_t column : kColumns) {
      if (column < counts->size()) row.values.emplace_back((*counts)[column]);
    }
  }
  return table;
}

namespace {

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  return ForFile(parts.host, std::string(kSoftnetFile), ParseSoftnet,
                 [&](const Table& table) { WriteTable(table, "cpu", kSoftnetMetrics, out); });
}

}  // namespace

std::unique_ptr<Collector> MakeSoftnet(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
