// The load averages: how many tasks ran or waited for a disk. Copy this file to start a collector.
// Source: /proc/loadavg.
#include "collector/node/loadavg.h"

#include "collector/words.h"

namespace hinomi {

Result<LoadAverages> ParseLoadavg(std::string_view text) {
  const std::optional<double> one = ParseDouble(TakeWord(&text));
  const std::optional<double> five = ParseDouble(TakeWord(&text));
  const std::optional<double> fifteen = ParseDouble(TakeWord(&text));
  if (!one || !five || !fifteen) return Unexpected("/proc/loadavg", "three numbers");
  return LoadAverages{*one, *five, *fifteen};
}

namespace {

class Loadavg final : public Collector {
 public:
  explicit Loadavg(const Host& host) : host_(host) {}

  Result<void> Collect(Exposition& out) override {
    const Result<std::string> text = host_.Read("/proc/loadavg");
    if (!text) return text.error();
    const Result<LoadAverages> load = ParseLoadavg(*text);
    if (!load) return load.error();
    out.Single(kLoadavgMetrics[0], load->one);
    out.Single(kLoadavgMetrics[1], load->five);
    out.Single(kLoadavgMetrics[2], load->fifteen);
    return {};
  }

 private:
  const Host& host_;
};

}  // namespace

std::unique_ptr<Collector> MakeLoadavg(const CollectorParts& parts) {
  return std::make_unique<Loadavg>(parts.host);
}

}  // namespace hinomi
