// One source of metrics: a file or a few of the kernel's, read when Prometheus asks.
//
// A collector is one file: its docstring, the table of its names, a pure parser of foreign bytes,
// and Collect. builtin.cc lists them all; node/loadavg.cc is the one to copy.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "collector/exposition.h"
#include "collector/host.h"
#include "config/config.h"

namespace hinomi {

class Collector {
 public:
  virtual ~Collector() = default;
  /// Reads, and writes rows. Where it fails none of its rows are served. What the kernel does not
  /// have is no error and gives no rows. One thread at a time.
  virtual Result<void> Collect(Exposition& out) = 0;
};

/// What collectors are made of. What it refers to outlives them.
struct CollectorParts {
  const Host& host;
  const MetricsConfig& config;
  Metrics& metrics;  // the agent's own
  const Clock& clock;
  std::string_view version;  // the agent's
};

/// One line of builtin.cc.
struct CollectorKind {
  std::string_view name;
  std::span<const MetricInfo> metrics;
  std::unique_ptr<Collector> (*make)(const CollectorParts& parts);
};

/// Those of /metrics/node, in the order of their rows.
std::span<const CollectorKind> NodeCollectors();

}  // namespace hinomi
