// The encoder of a route, of whichever kind: visited once per lease, so that its records cost no
// indirect call.
#pragma once

#include <variant>

#include "shipper/encode/ecs.h"
#include "shipper/encode/otlp.h"

namespace hinomi {

using Encoder = std::variant<EcsEncoder, OtlpEncoder>;

/// Whether the members of bodies that are JSON become members of a document. Otherwise a body stays
/// as it was written.
inline bool MergesJson(const Encoder& encoder) {
  const auto* const ecs = std::get_if<EcsEncoder>(&encoder);
  return ecs != nullptr && ecs->makes_documents();
}

}  // namespace hinomi
