#include "shipper/sink/otlp_socket.h"

#include <grpc/support/sync.h>

#include <utility>

// The names are gRPC's.
// NOLINTBEGIN(readability-identifier-naming)
/// Which functions there are. The last one was added in 1.39 and may be missing.
struct grpc_socket_mutator_vtable {
  bool (*mutate)(int socket, grpc_socket_mutator* mutator);
  int (*compare)(grpc_socket_mutator* a, grpc_socket_mutator* b);
  void (*destroy)(grpc_socket_mutator* mutator);
  bool (*mutate_with_usage)(const void* socket, grpc_socket_mutator* mutator);
};

struct grpc_socket_mutator {
  const grpc_socket_mutator_vtable* vtable;
  gpr_refcount references;
};

void grpc_socket_mutator_init(grpc_socket_mutator* mutator,
                              const grpc_socket_mutator_vtable* vtable);
// NOLINTEND(readability-identifier-naming)

namespace hinomi {
namespace {

struct EgressMutator : grpc_socket_mutator {
  std::shared_ptr<SinkEgress> egress;
};

constexpr grpc_socket_mutator_vtable kCalls = {
    .mutate = [](int socket, grpc_socket_mutator* mutator) -> bool {
      return static_cast<EgressMutator*>(mutator)->egress->Adopt(socket).ok();
    },
    .compare = [](grpc_socket_mutator* a, grpc_socket_mutator* b) -> int {
      return a == b ? 0 : a < b ? -1 : 1;
    },
    .destroy = [](grpc_socket_mutator* mutator) { delete static_cast<EgressMutator*>(mutator); },
    .mutate_with_usage = nullptr,
};

}  // namespace

grpc_socket_mutator* MutatorOf(std::shared_ptr<SinkEgress> egress) {
  auto* const mutator = new EgressMutator{};
  mutator->egress = std::move(egress);
  grpc_socket_mutator_init(mutator, &kCalls);
  return mutator;
}

}  // namespace hinomi
