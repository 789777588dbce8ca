// Somebody who knows what containers have written into their own layers: the container runtime
// (metadata/cri.h), or a test.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"

namespace hinomi {

/// What a container has written over its image.
struct WritableLayer {
  std::string container_id;
  uint64_t bytes = 0;
  std::string mount_point;  // of the file system that holds it, as the node sees it
};

class LayerSource {
 public:
  virtual ~LayerSource() = default;

  /// Blocks for a bounded time, and returns early when `stop` is requested. Errors as
  /// PodSource::List. One thread at a time.
  virtual Result<std::vector<WritableLayer>> Layers(const std::stop_token& stop) = 0;
};

}  // namespace hinomi
