// What egress limits (shipper/egress.h) ask of the kernel about one TCP socket. Linux >= 4.19.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "config/config.h"

namespace hinomi {

/// Makes a socket that is not connected leave by that address and device. Errors: io.
Result<void> BindEgress(int socket, const SinkEgressConfig& path);

struct EgressUse {
  uint64_t wire_bytes = 0;  // since it was opened, with headers down to Ethernet's, and repetitions
  bool open = true;         // it is connected, or being connected
};
/// Source: TCP_INFO, tcpi_bytes_sent and tcpi_segs_out. Of another kind of socket: nothing, open.
EgressUse ReadEgressUse(int socket);

/// From now on the kernel sends no faster than that, in bytes per second on the wire, however much
/// it is given. Infinite: as fast as it can.
void PaceEgress(int socket, double bytes_per_second);

/// What it was given and has not sent yet is not sent: else the kernel would go on with that after
/// the socket was closed, and nobody would count it. The peer sees a reset then.
void DropUnsent(int socket);

}  // namespace hinomi
