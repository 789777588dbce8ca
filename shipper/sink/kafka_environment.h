// What both Kafka sinks are given beside their configuration.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/metrics.h"

namespace hinomi {

struct KafkaEnvironment {
  std::string cluster;  // its name, for topic and headers
  std::string node;     // for headers
  FileSystem& files;    // for the secrets
  const Clock& clock;
  Metrics& metrics;
};

}  // namespace hinomi
