// Connection tracking, by the node's own network: /proc/sys/net would be the agent's.
// Source: /proc/1/net/stat/nf_conntrack, titles and then a row of hexadecimal numbers per
// processor; /proc/sys/net/netfilter/nf_conntrack_max, the same in all networks.
#include "collector/node/conntrack.h"

#include "collector/words.h"

namespace hinomi {

Result<NamedValues> ParseConntrack(std::string_view text) {
  NamedValues values;
  std::string_view titles = TakeLine(&text).value_or("");
  for (auto title = TakeWord(&titles); !title.empty(); title = TakeWord(&titles)) {
    values.push_back({std::string(title), 0});
  }
  bool first = true;
  while (const auto line = TakeLine(&text)) {
    const auto counts = ParseCounts(*line, 16);
    if (!counts || counts->size() != values.size()) {
      return Unexpected(kConntrackFile, "a hexadecimal number for each title");
    }
    for (size_t i = 0; i < values.size(); ++i) {
      const auto count = static_cast<double>((*counts)[i]);
      if (first || values[i].name != "entries") values[i].value += count;
    }
    first = false;
  }
  if (first) return Unexpected(kConntrackFile, "a row");
  return values;
}

namespace {

constexpr size_t kColumns = std::size(kConntrackMetrics) - 1;

// Of the title's metric; null when it has none.
const MetricInfo* MetricOf(std::string_view title) {
  for (const MetricInfo& metric : std::span(kConntrackMetrics).first(kColumns)) {
    std::string_view name = metric.name;
    name.remove_prefix(std::string_view("node_nf_conntrack_").size());
    if (name.starts_with("stat_")) name.remove_prefix(std::string_view("stat_").size());
    if (name == title) return &metric;
  }
  return nullptr;
}

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  const auto write = [&](const NamedValues& values) {
    for (const NamedValue& value : values) {
      const MetricInfo* metric = MetricOf(value.name);
      if (metric != nullptr) out.Single(*metric, value.value);
    }
  };
  const Result<void> done = ForFile(parts.host, std::string(kConntrackFile), ParseConntrack, write);
  if (!done) return done;
  const std::optional<uint64_t> limit =
      ParseCount(parts.host.ReadWord("/proc/sys/net/netfilter/nf_conntrack_max"));
  if (limit) out.Single(kConntrackMetrics[kColumns], static_cast<double>(*limit));
  return {};
}

}  // namespace

std::unique_ptr<Collector> MakeConntrack(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
