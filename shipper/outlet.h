// A sink of the configuration, and what brings batches to it. Lives until the last of its threads
// has ended.
#pragma once

#include <memory>

#include "config/config.h"
#include "shipper/delivery.h"
#include "shipper/sink.h"

namespace hinomi {

struct Outlet {
  SinkConfig config;
  std::unique_ptr<Sink> sink;
  std::unique_ptr<Delivery> delivery;
};

}  // namespace hinomi
