// What both Kafka sinks are given beside their configuration.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/metrics.h"
#include "shipper/egress.h"

namespace hinomi {

struct KafkaEnvironment {
  std::string cluster;  // its name, for topic and headers
  std::string node;     // for headers
  FileSystem& files;    // for the secrets
  const Clock& clock;
  Metrics& metrics;
  std::shared_ptr<SinkEgress> egress = nullptr;  // null: as the system has it
};

}  // namespace hinomi
