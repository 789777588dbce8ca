// The clock's discipline: how far it is off, and what is done about it.
// Source: adjtimex(2), which a container may be forbidden to call.
#include "collector/node/timex.h"

#include <sys/timex.h>

#include <cerrno>

namespace hinomi {

std::array<double, std::size(kTimexMetrics)> TimexValues(int state, const timex& clock) {
  constexpr double kMicroseconds = 1e6, kNanoseconds = 1e9;
  constexpr double kPartsPerMillion = 1e6 * 65536;  // of 16 bits behind the point
  const double unit = (clock.status & STA_NANO) != 0 ? kNanoseconds : kMicroseconds;
  const auto number = [](long value) { return static_cast<double>(value); };
  return {number(clock.esterror) / kMicroseconds,
          1 + number(clock.freq) / kPartsPerMillion,
          number(clock.constant),
          number(clock.maxerror) / kMicroseconds,
          number(clock.offset) / unit,
          number(clock.calcnt),
          number(clock.errcnt),
          number(clock.ppsfreq) / kPartsPerMillion,
          number(clock.jitter) / unit,
          number(clock.jitcnt),
          number(clock.shift),
          number(clock.stbcnt),
          number(clock.stabil) / kPartsPerMillion,
          number(clock.status),
          state == TIME_ERROR ? 0.0 : 1.0,
          number(clock.tai),
          number(clock.tick) / kMicroseconds};
}

namespace {

Result<void> Collect(const CollectorParts&, Exposition& out) {
  timex clock = {};
  const int state = adjtimex(&clock);
  if (state < 0) return errno == EPERM ? Result<void>() : IoError("ask", "adjtimex", errno);
  const auto values = TimexValues(state, clock);
  for (size_t i = 0; i < values.size(); ++i) out.Single(kTimexMetrics[i], values[i]);
  return {};
}

}  // namespace

std::unique_ptr<Collector> MakeTimex(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
