// Reads, writes, discards and flushes, by device.
// Source: /proc/diskstats, sectors of 512 bytes and milliseconds; discards are there since Linux
// 4.18, flushes since 5.5.
#include "collector/node/diskstats.h"

#include "collector/words.h"

namespace hinomi {

Result<Table> ParseDiskstats(std::string_view text) {
  // What a value is divided by: binary fractions are exact, decimal ones would not be.
  constexpr double kBytes = 1.0 / 512, kSeconds = 1000;
  constexpr double kDivisors[] = {1,      1,        kBytes,   kSeconds, 1,        1,
                                  kBytes, kSeconds, 1,        kSeconds, kSeconds, 1,
                                  1,      1,        kSeconds, 1,        kSeconds};
  static_assert(std::size(kDivisors) == std::size(kDiskstatsMetrics));
  constexpr size_t kColumnsMin = 11;
  Table table;
  while (auto line = TakeLine(&text)) {
    TakeWord(&*line);  // its numbers, major and minor
    TakeWord(&*line);
    TableRow& row = table.emplace_back(TableRow{std::string(TakeWord(&*line)), {}});
    const auto counts = ParseCounts(*line);
    if (!counts || counts->size() < kColumnsMin) {
      return Unexpected(kDiskstatsFile, "a device and at least eleven numbers");
    }
    for (size_t i = 0; i < counts->size() && i < std::size(kDivisors); ++i) {
      row.values.emplace_back(static_cast<double>((*counts)[i]) / kDivisors[i]);
    }
  }
  return table;
}

namespace {

class Diskstats final : public Collector {
 public:
  explicit Diskstats(const CollectorParts& parts)
      : host_(parts.host), exclusion_(parts.config.disks_exclude) {}

  Result<void> Collect(Exposition& out) override {
    return ForFile(host_, std::string(kDiskstatsFile), ParseDiskstats, [&](Table table) {
      std::erase_if(table, [&](const TableRow& row) { return exclusion_.Excludes(row.name); });
      WriteTable(table, "device", kDiskstatsMetrics, out);
    });
  }

 private:
  const Host& host_;
  const Exclusion exclusion_;
};

}  // namespace

std::unique_ptr<Collector> MakeDiskstats(const CollectorParts& parts) {
  return std::make_unique<Diskstats>(parts);
}

}  // namespace hinomi
