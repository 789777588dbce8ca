#include "shipper/batch.h"

#include "base/check.h"

namespace hinomi {

std::string_view ToString(DropReason reason) {
  switch (reason) {
    case DropReason::kCorrupt:
      return "corrupt";
    case DropReason::kRejected:
      return "rejected";
    case DropReason::kBeforeSince:
      return "before_since";
    case DropReason::kNoRoute:
      return "no_route";
  }
  CheckFailed(__FILE__, __LINE__, "a DropReason");
}

void Decoded::Clear() {
  records.clear();
  consumed = {};
  after = {};
  has_open = false;
  open_end = {};
  corrupt_bytes = 0;
  corrupt_lines = 0;
  arena.clear();
}

void Batch::Clear() {
  bytes.clear();
  records.clear();
  slices.clear();
  rejections.clear();
  route = 0;
  number = 0;
  attempts = 0;
  pending_before = 0;
  charged_bytes = 0;
}

}  // namespace hinomi
