// The table of everything that a configuration can name. A new sink is one line in builtin.cc.
#pragma once

#include <memory>
#include <vector>

#include "base/filesystem.h"
#include "base/metrics.h"
#include "config/config.h"
#include "config/routes.h"
#include "shipper/egress.h"
#include "shipper/encode/encoder.h"
#include "shipper/sink.h"

namespace hinomi {

struct SinkSurroundings {
  const std::string& cluster;
  const std::string& node;
  const std::vector<RouteConfig>& routes;
  FileSystem& files;
  const Clock& clock;
  Metrics& metrics;
  EgressLimits& egress;  // applied to the configuration of the sink
};

std::unique_ptr<Sink> MakeSink(const SinkConfig& config, const SinkSurroundings& around);

/// What the sinks' libraries find wrong with their settings. Touches neither disk nor network.
std::vector<Problem> CheckSinks(const Config& config);

/// The encoder of the records that go to `sink`.
Encoder MakeEncoder(const Config& config, const SinkConfig& sink, RecordFormat format);

}  // namespace hinomi
