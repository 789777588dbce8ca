// docker's description of a container, which holds names and labels that anybody may choose:
// refused, or what comes of it is bounded.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "metadata/docker_config.h"
#include "metadata/docker_path.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto container = hinomi::ParseDockerConfig(text)) {
    CHECK(!container->id.empty() && !container->name.empty());
    size_t bytes = 0;
    for (const auto& [key, value] : container->labels) bytes += key.size() + value.size();
    CHECK(bytes <= hinomi::kDockerLabelsBytesMax);
  }
  (void)hinomi::ParseJsonLogFile("0f51", text);
  (void)hinomi::DockerIdOfLog(text);
  return 0;
}
