// State, speed and addresses, by interface.
// Source: /sys/class/net/*/, of the network that the host's /sys was mounted in. What the driver
// cannot say (EINVAL) gives no row.
#include "collector/node/netclass.h"

#include <algorithm>

#include "collector/words.h"

namespace hinomi {

std::optional<double> ParseNetclassAttribute(std::string_view word) {
  if (!word.starts_with("0x")) return ParseDouble(word);
  const std::optional<uint64_t> bits = ParseCount(word.substr(2), 16);
  return bits ? std::optional<double>(*bits) : std::nullopt;
}

namespace {

constexpr size_t kAttributes = std::size(kNetclassAttributes);
static_assert(std::size(kNetclassMetrics) == kAttributes + 2);
constexpr const MetricInfo& kUp = kNetclassMetrics[kAttributes];
constexpr const MetricInfo& kInfo = kNetclassMetrics[kAttributes + 1];

class Netclass final : public Collector {
 public:
  explicit Netclass(const CollectorParts& parts)
      : host_(parts.host), exclusion_(parts.config.interfaces_exclude) {}

  Result<void> Collect(Exposition& out) override {
    Result<std::vector<std::string>> interfaces = host_.List(std::string(kNetclassDirectory));
    if (!interfaces) return IsAbsent(interfaces.error()) ? Result<void>() : interfaces.error();
    std::erase_if(*interfaces, [&](const std::string& name) {
      return name == "bonding_masters" || exclusion_.Excludes(name);
    });
    Table table;
    for (const std::string& name : *interfaces) table.push_back(RowOf(name));
    WriteTable(table, "device", std::span(kNetclassMetrics).first(kAttributes), out);
    if (out.Begin(kUp)) {
      for (const std::string& name : *interfaces) {
        out.Row({{"device", name}}, Word(name, "operstate") == "up" ? 1 : 0);
      }
    }
    if (out.Begin(kInfo)) {
      for (const std::string& name : *interfaces) WriteInfo(name, out);
    }
    return {};
  }

 private:
  std::string Word(const std::string& name, std::string_view attribute) const {
    return host_.ReadWord(std::string(kNetclassDirectory) + "/" + name + "/" +
                          std::string(attribute));
  }

  TableRow RowOf(const std::string& name) const {
    constexpr double kBytesPerMegabit = 1e6 / 8;
    TableRow row = {name, {}};
    for (const std::string_view attribute : kNetclassAttributes) {
      auto& value = row.values.emplace_back(ParseNetclassAttribute(Word(name, attribute)));
      if (value && attribute == "speed") *value *= kBytesPerMegabit;
    }
    return row;
  }

  void WriteInfo(const std::string& name, Exposition& out) const {
    std::string labels;
    for (const std::string_view attribute : {"address", "broadcast"}) {
      AppendLabel(&labels, attribute, Word(name, attribute));
    }
    AppendLabel(&labels, "device", name);
    for (const std::string_view attribute : {"duplex", "ifalias", "operstate"}) {
      AppendLabel(&labels, attribute, Word(name, attribute));
    }
    out.Row(labels, 1);
  }

  const Host& host_;
  const Exclusion exclusion_;
};

}  // namespace

std::unique_ptr<Collector> MakeNetclass(const CollectorParts& parts) {
  return std::make_unique<Netclass>(parts);
}

}  // namespace hinomi
