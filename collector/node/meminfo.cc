// Memory, by what it is used for.
// Source: /proc/meminfo, kB.
#include "collector/node/meminfo.h"

#include "collector/words.h"

namespace hinomi {
namespace {

std::string NameOf(std::string_view field) {
  std::string name;
  for (const char c : field) {
    if (c == '(') {
      name += '_';
    } else if (c != ')') {
      name += c;
    }
  }
  return name;
}

}  // namespace

Result<NamedValues> ParseMeminfo(std::string_view text) {
  NamedValues values;
  while (auto line = TakeLine(&text)) {
    const size_t colon = line->find(':');
    if (colon == std::string_view::npos) return Unexpected("/proc/meminfo", "a colon");
    std::string name = NameOf(line->substr(0, colon));
    line->remove_prefix(colon + 1);
    const std::optional<uint64_t> count = ParseCount(TakeWord(&*line));
    const std::string_view unit = TakeWord(&*line);
    if (!count || (!unit.empty() && unit != "kB")) {
      return Unexpected("/proc/meminfo", "a number behind " + name);
    }
    if (unit.empty()) {
      values.push_back({std::move(name), static_cast<double>(*count)});
    } else {
      values.push_back({name + "_bytes", static_cast<double>(*count) * 1024});
    }
  }
  return values;
}

namespace {

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  return ForFile(parts.host, "/proc/meminfo", ParseMeminfo,
                 [&](const NamedValues& values) { WriteNamed(values, kMeminfoMetrics[0], out); });
}

}  // namespace

std::unique_ptr<Collector> MakeMeminfo(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
