// Bytes, packets and errors, by interface.
// Source: /proc/1/net/dev: the node's own network, whichever the agent is in.
#include "collector/node/netdev.h"

#include "collector/words.h"

namespace hinomi {

Result<Table> ParseNetdev(std::string_view text) {
  const Error error = Unexpected(kNetdevFile, "two lines of titles, interfaces and 16 numbers");
  if (!TakeLine(&text) || !TakeLine(&text)) return error;
  Table table;
  while (auto line = TakeLine(&text)) {
    const size_t colon = line->rfind(':');  // an alias has one in its name
    if (colon == std::string_view::npos) return error;
    std::string_view name = line->substr(0, colon);
    const auto counts = ParseCounts(line->substr(colon + 1));
    if (!counts || counts->size() != std::size(kNetdevMetrics)) return error;
    table.push_back({std::string(TakeWord(&name)), {counts->begin(), counts->end()}});
  }
  return table;
}

namespace {

class Netdev final : public Collector {
 public:
  explicit Netdev(const CollectorParts& parts)
      : host_(parts.host), exclusion_(parts.config.interfaces_exclude) {}

  Result<void> Collect(Exposition& out) override {
    return ForFile(host_, std::string(kNetdevFile), ParseNetdev, [&](Table table) {
      std::erase_if(table, [&](const TableRow& row) { return exclusion_.Excludes(row.name); });
      WriteTable(table, "device", kNetdevMetrics, out);
    });
  }

 private:
  const Host& host_;
  const Exclusion exclusion_;
};

}  // namespace

std::unique_ptr<Collector> MakeNetdev(const CollectorParts& parts) {
  return std::make_unique<Netdev>(parts);
}

}  // namespace hinomi
