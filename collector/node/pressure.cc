// Pressure stall information.
// Source: /proc/pressure/{cpu,io,memory,irq}, Linux >= 4.20 with CONFIG_PSI; microseconds.
#include "collector/node/pressure.h"

#include "collector/words.h"

namespace hinomi {

Result<Pressure> ParsePressure(std::string_view text) {
  constexpr double kMicroseconds = 1e6;
  constexpr std::string_view kTotal = " total=";
  Pressure pressure;
  while (auto line = TakeLine(&text)) {
    const std::string_view kind = TakeWord(&*line);
    const size_t total = line->find(kTotal);
    const std::optional<uint64_t> count = total == std::string_view::npos
                                              ? std::nullopt
                                              : ParseCount(line->substr(total + kTotal.size()));
    if (!count || (kind != "some" && kind != "full")) {
      return Unexpected("pressure", "some or full, and a total");
    }
    (kind == "some" ? pressure.waiting_seconds : pressure.stalled_seconds) =
        static_cast<double>(*count) / kMicroseconds;
  }
  return pressure;
}

namespace {

struct Source {
  std::string path;
  const MetricInfo* waiting;
  const MetricInfo* stalled;
};

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  // Of a processor the kernel says that nobody stalls, and of interrupts that nobody waits.
  const Source sources[] = {
      {"/proc/pressure/cpu", &kPressureMetrics[0], nullptr},
      {"/proc/pressure/io", &kPressureMetrics[1], &kPressureMetrics[2]},
      {"/proc/pressure/memory", &kPressureMetrics[3], &kPressureMetrics[4]},
      {"/proc/pressure/irq", nullptr, &kPressureMetrics[5]},
  };
  for (const Source& source : sources) {
    const auto write = [&](const Pressure& found) {
      const auto& [waiting, stalled] = found;
      if (source.waiting != nullptr && waiting) out.Single(*source.waiting, *waiting);
      if (source.stalled != nullptr && stalled) out.Single(*source.stalled, *stalled);
    };
    const Result<void> done = ForFile(parts.host, source.path, ParsePressure, write);
    if (!done) return done;
  }
  return {};
}

}  // namespace

std::unique_ptr<Collector> MakePressure(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
