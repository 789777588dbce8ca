// What gRPC asks about each socket before it connects it, for OtlpClient. The library has an
// argument of channels for that, and exports what makes one, but its public headers do not declare
// it: so that is done here, as of gRPC 1.26 and later. Knows nothing of calls.
#pragma once

#include <grpc/grpc.h>

#include <memory>

#include "shipper/egress.h"

/// As an argument of a channel, which keeps a reference.
grpc_arg grpc_socket_mutator_to_arg(grpc_socket_mutator* mutator);
void grpc_socket_mutator_unref(grpc_socket_mutator* mutator);

namespace hinomi {

struct MutatorDeleter {
  void operator()(grpc_socket_mutator* mutator) const { grpc_socket_mutator_unref(mutator); }
};

/// Gives sockets to `egress` and keeps that. The caller has one reference.
grpc_socket_mutator* MutatorOf(std::shared_ptr<SinkEgress> egress);

}  // namespace hinomi
