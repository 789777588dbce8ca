// Page faults, paging, swapping, and processes that the kernel killed for want of memory.
// Source: /proc/vmstat.
#include "collector/node/vmstat.h"

#include "collector/words.h"

namespace hinomi {
namespace {

bool IsWanted(std::string_view name) {
  return name.starts_with("oom_kill") || name.starts_with("pgpg") || name.starts_with("pswp") ||
         (name.starts_with("pg") && name.find("fault") != std::string_view::npos);
}

}  // namespace

Result<NamedValues> ParseVmstat(std::string_view text) {
  NamedValues values;
  while (auto line = TakeLine(&text)) {
    const std::string_view name = TakeWord(&*line);
    if (!IsWanted(name)) continue;
    const std::optional<uint64_t> count = ParseCount(TakeWord(&*line));
    if (!count) return Unexpected("/proc/vmstat", "a number behind " + std::string(name));
    values.push_back({std::string(name), static_cast<double>(*count)});
  }
  return values;
}

namespace {

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  return ForFile(parts.host, "/proc/vmstat", ParseVmstat,
                 [&](const NamedValues& values) { WriteNamed(values, kVmstatMetrics[0], out); });
}

}  // namespace

std::unique_ptr<Collector> MakeVmstat(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
