// Bonds: how many interfaces they have, and how many of these work.
// Source: /sys/class/net/bonding_masters, /sys/class/net/*/bonding.
#include "collector/node/bonding.h"

#include "collector/words.h"

namespace hinomi {
namespace {

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  for (auto word = TakeWord(&text); !word.empty(); word = TakeWord(&text)) words.emplace_back(word);
  return words;
}

bool IsUp(const Host& host, const std::string& master, const std::string& slave) {
  // Kernels before 3.13 name the link otherwise.
  for (const char* link : {"/lower_", "/slave_"}) {
    const std::string state = host.ReadWord(master + link + slave + "/bonding_slave/mii_status");
    if (!state.empty()) return state == "up";
  }
  return false;
}

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  const Host& host = parts.host;
  Table table;
  for (const std::string& name : Words(host.ReadWord("/sys/class/net/bonding_masters"))) {
    const std::string master = "/sys/class/net/" + name;
    double active = 0, slaves = 0;
    for (const std::string& slave : Words(host.ReadWord(master + "/bonding/slaves"))) {
      ++slaves;
      if (IsUp(host, master, slave)) ++active;
    }
    table.push_back({name, {active, slaves}});
  }
  WriteTable(table, "master", kBondingMetrics, out);
  return {};
}

}  // namespace

std::unique_ptr<Collector> MakeBonding(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
