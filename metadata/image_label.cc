#include "metadata/image_label.h"

#include <algorithm>
#include <array>

#include "base/json_walk.h"

namespace hinomi {
namespace {

constexpr uint64_t kDescriptionBytesMax = 1 << 20;
constexpr std::string_view kDigest = "sha256:";
constexpr size_t kDigestDigits = 64;
constexpr std::string_view kBlobs = "/io.containerd.content.v1.content/blobs/sha256/";

// Of containerd, k3s, RKE2 and k0s.
constexpr std::array<std::string_view, 4> kStores = {
    "/var/lib/containerd", "/var/lib/rancher/k3s/agent/containerd",
    "/var/lib/rancher/rke2/agent/containerd", "/var/lib/k0s/containerd"};

class Visitor final : public JsonVisitor {
 public:
  explicit Visitor(std::string_view label) : label_(label) {}
  void Text(const JsonPath& path, std::string_view value) override {
    if (path.Is({"config", "Labels", label_})) value_ = value;
  }
  std::string value() && { return std::move(value_); }

 private:
  const std::string_view label_;
  std::string value_;
};

}  // namespace

std::string ImageLabel(FileSystem& files, const std::string& host_root, std::string_view image_id,
                       std::string_view label) {
  if (!image_id.starts_with(kDigest)) return "";
  const std::string digits(image_id.substr(kDigest.size()));
  const bool hex = digits.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (digits.size() != kDigestDigits || !hex) return "";
  for (const std::string_view store : kStores) {
    const Result<std::string> path =
        files.Resolve(host_root, std::string(store) + std::string(kBlobs) + digits);
    const Result<std::string> json =
        path ? files.ReadWhole(*path, kDescriptionBytesMax) : Result<std::string>(path.error());
    if (!json) continue;
    Visitor visitor(label);
    return WalkJson(*json, visitor) ? std::move(visitor).value() : std::string();
  }
  return "";
}

}  // namespace hinomi
