// Writes records to a descriptor, one JSON document a line: for people, pipes and container
// runtimes. Copy this file to start a new sink.
#pragma once

#include <stop_token>
#include <string_view>

#include "shipper/sink.h"

namespace hinomi {

class StdoutSink final : public Sink {
 public:
  /// Does not own `descriptor`. The process must ignore SIGPIPE: a closed pipe is then an error
  /// (code "epipe") and the records wait.
  explicit StdoutSink(int descriptor = 1) : descriptor_(descriptor) {}

  RecordFormat format() const override { return RecordFormat::kJson; }
  Attempt Deliver(Batch& batch, uint32_t lane, const std::stop_token& stop) override;

 private:
  /// Writes all of `bytes` unless its reader stays away, the descriptor fails or `stop` is
  /// requested. Returns how many; if not all, the reason is in `failure`.
  size_t Write(std::string_view bytes, const std::stop_token& stop, Attempt* failure);

  int descriptor_;
  bool torn_ = false;  // the last write ended within a record
};

}  // namespace hinomi
