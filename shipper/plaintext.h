// Whether a sink's records can be read on the network.
#pragma once

#include "config/config.h"

namespace hinomi {

/// True when the sink sends without TLS to an address that is not this machine's loopback, as far
/// as the configuration names it: Kafka's brokers name others themselves.
bool SendsPlaintext(const SinkConfig& config);

}  // namespace hinomi
