// What pods say of themselves: the annotations that are for the agent, and the names of
// directories and files, which a container with the right mount may choose.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "metadata/pod_path.h"
#include "metadata/pod_wishes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string prefix(hinomi::kWishPrefix);
  std::vector<std::string> problems;
  const hinomi::PodWishes wishes = hinomi::WishesOf({{prefix + "exclude", text},
                                                     {prefix + "weight", text},
                                                     {prefix + "limit", text},
                                                     {text, text}},
                                                    &problems);
  CHECK(!wishes.exclude || text == "true");
  CHECK(!wishes.weight || (*wishes.weight >= 1 && *wishes.weight <= 100));
  CHECK(!wishes.limit_bytes_per_second || *wishes.limit_bytes_per_second > 0);
  if (const auto pod = hinomi::ParsePodDirectory(text)) {
    CHECK(!pod->namespace_name.empty() && !pod->pod_name.empty());
    CHECK(text.find('/') == std::string::npos);
  }
  (void)hinomi::ParseLogFile(text);
  CHECK(!hinomi::IsContainerName(text) || text.find('/') == std::string::npos);
  return 0;
}
