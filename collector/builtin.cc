// THE table of collectors.
#include <array>

#include "collector/collector.h"
#include "collector/node/loadavg.h"

namespace hinomi {

std::span<const CollectorKind> NodeCollectors() {
  static constexpr CollectorKind kKinds[] = {
      {"loadavg", kLoadavgMetrics, MakeLoadavg},
  };
  return kKinds;
}

}  // namespace hinomi
