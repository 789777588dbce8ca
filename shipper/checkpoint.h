// Keeps the newest two snapshots of the cursors in state_dir: checkpoint.a and checkpoint.b,
// written in turn. Knows nothing of logs; the format is in checkpoint_format.h.
#pragma once

#include <string>

#include "base/filesystem.h"
#include "base/metrics.h"
#include "shipper/checkpoint_format.h"

namespace hinomi {

class Checkpoint {
 public:
  /// `directory` must exist. One thread at a time.
  Checkpoint(FileSystem& files, std::string directory, Metrics& metrics);

  /// The newest valid snapshot; an empty one when there is none. A damaged file is logged and
  /// counted, and costs duplicates at worst.
  CheckpointState Load();

  /// Writes and syncs `state` under the next generation, over the older of the two files. Errors:
  /// io; the older snapshots stay valid then. Returns the bytes written.
  Result<size_t> Save(CheckpointState state);

 private:
  FileSystem& files_;
  std::string directory_;
  uint64_t generation_ = 0;
  Counter damaged_;
  Gauge bytes_;
};

}  // namespace hinomi
