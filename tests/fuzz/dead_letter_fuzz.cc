// Lines of dead letters may be torn, old or edited: whatever is there, what can be read is written
// again as the same letter.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "shipper/sink/dead_letter_format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto letter = hinomi::ParseDeadLetter({reinterpret_cast<const char*>(data), size});
  if (!letter) return 0;
  for (const hinomi::SegmentRange& range : letter->ranges) CHECK(range.begin <= range.end);
  const std::string line = hinomi::EncodeDeadLetter(*letter);
  CHECK(line.find('\n') == line.size() - 1);
  const auto again = hinomi::ParseDeadLetter(std::string_view(line).substr(0, line.size() - 1));
  CHECK(again.ok());
  CHECK(again->record == letter->record && again->origin.log_hash == letter->origin.log_hash);
  CHECK(hinomi::EncodeDeadLetter(*again) == line);
  return 0;
}
