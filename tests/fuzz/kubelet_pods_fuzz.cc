// What a kubelet answers is foreign: whatever it is, each pod that comes of it can be kept in a
// file and read again, and each volume has a name.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "collector/container/volumes.h"
#include "metadata/kubelet_pods.h"
#include "metadata/pod_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  if (auto pods = hinomi::ParseKubeletPods(json, {"a*"})) {
    for (hinomi::PodMetadata& pod : *pods) {
      pod.ready.reset();  // comes and goes, and is not kept
      for (const auto& [key, value] : pod.annotations) {
        CHECK(key.starts_with("a") || key.starts_with("hinomi.io/"));
      }
      const auto again = hinomi::PodFromJson(hinomi::ToJson(pod));
      CHECK(again && *again == pod);
    }
  }
  static_cast<void>(hinomi::PodFromJson(json).ok());
  if (const auto stats = hinomi::ParseVolumeStats(json)) {
    for (const auto& [claim, numbers] : *stats) CHECK(!claim.second.empty());
  }
  return 0;
}
