// The time, and what the kernel has it from.
// Source: clock_gettime(2), /sys/devices/system/clocksource.
#include "collector/node/time.h"

#include "collector/words.h"

namespace hinomi {
namespace {

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  out.Single(kTimeMetrics[0], std::chrono::duration<double>(parts.clock.Wall()).count());
  constexpr const char* kFiles[] = {"/available_clocksource", "/current_clocksource"};
  for (size_t i = 0; i < std::size(kFiles); ++i) {
    const std::string text = parts.host.ReadWord(std::string(kClockDirectory) + kFiles[i]);
    std::string_view rest = text;
    if (!out.Begin(kTimeMetrics[i + 1])) continue;
    for (auto source = TakeWord(&rest); !source.empty(); source = TakeWord(&rest)) {
      out.Row({{"clocksource", source}, {"device", "0"}}, 1);
    }
  }
  return {};
}

}  // namespace

std::unique_ptr<Collector> MakeTime(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
