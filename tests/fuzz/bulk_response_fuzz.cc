// What a server answers is foreign: whatever it is, every item is decided once or nothing is.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "shipper/sink/bulk_response.h"
#include "shipper/sink/setup_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t items = data[0] % 16;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (const auto refusals = hinomi::ParseBulkResponse(body, items)) {
    CHECK(refusals->size() <= items);
    for (size_t i = 0; i < refusals->size(); ++i) {
      const hinomi::BulkRefusal& refusal = (*refusals)[i];
      CHECK(refusal.item < items && (i == 0 || (*refusals)[i - 1].item < refusal.item));
      CHECK(!refusal.about_document || refusal.status == 400);
    }
  }
  hinomi::ErrorReason(body);
  hinomi::NamesTarget(body);
  hinomi::ParseSimulation(body);
  hinomi::TemplatesMakeDataStream(body, "logs-a-b");
  hinomi::ParseSetupAnswer(body);
  return 0;
}
