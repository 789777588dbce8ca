// What a sink is, besides, that keeps the cursors of its routes itself, next to the records: then a
// record and the cursor behind it arrive together or not at all.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "shipper/batch.h"

namespace hinomi {

struct Attempt;

/// How far a log is settled, by names that outlive the agent's checkpoint.
struct KeptCursor {
  std::string log;           // Origin::path
  uint64_t segment_key = 0;  // of the file that it lies in
  uint64_t offset = 0;       // uncompressed bytes
  Continuation continuing;   // holds there
  bool operator==(const KeptCursor&) const = default;
};

class CursorKeeper {
 public:
  virtual ~CursorKeeper() = default;

  /// Makes this process the only one that moves the cursors of `route`, and gives those that there
  /// are. Called again until it succeeds, by lane 0, before anything of the route is read, and
  /// again after an Attempt::reopen; blocks as Sink::Deliver does.
  virtual Attempt Open(uint32_t route, const std::stop_token& stop,
                       std::vector<KeptCursor>* cursors) = 0;
  /// These logs are settled and gone: their cursors are of no use any more. Any thread.
  virtual void Forget(uint32_t route, std::vector<std::string> logs) = 0;
};

}  // namespace hinomi
