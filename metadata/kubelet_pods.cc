#include "metadata/kubelet_pods.h"

#include <fmt/core.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <array>
#include <utility>

#include "metadata/pod_path.h"
#include "metadata/pod_source.h"
#include "metadata/workload.h"

namespace hinomi {
namespace {

constexpr std::string_view kTemplateHashLabel = "pod-template-hash";
constexpr std::string_view kConfigSource = "kubernetes.io/config.source";

/// Takes what is wanted as it passes by, and nothing else.
class Handler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Handler> {
 public:
  explicit Handler(const std::vector<std::string>& annotations) : annotations_(annotations) {}

  bool StartObject() {
    Enter();
    return true;
  }
  bool StartArray() {
    if (depth_ == 1 && key(1) == "items") has_items_ = true;
    Enter();
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    --depth_;
    if (depth_ == kPod - 1 && Below({"items"})) FinishPod();
    if (depth_ == kOwner - 1 && Below({"items", "", "metadata", "ownerReferences"})) FinishOwner();
    return true;
  }
  bool EndArray(rapidjson::SizeType) {
    --depth_;
    return true;
  }
  bool Key(const char* text, rapidjson::SizeType bytes, bool) {
    if (depth_ <= kDepthMax) keys_[depth_].assign(text, bytes);
    return true;
  }
  bool String(const char* text, rapidjson::SizeType bytes, bool) {
    Take({text, bytes});
    return true;
  }
  bool Bool(bool value) {
    if (depth_ == kOwner && Below({"items", "", "metadata", "ownerReferences"}) &&
        key(kOwner) == "controller") {
      controls_ = value;
    }
    return true;
  }

  bool has_items() const { return has_items_; }
  std::vector<PodMetadata> pods() && { return std::move(pods_); }

 private:
  // Depths of members: items is 1, the array's elements 2.
  static constexpr size_t kPod = 3;       // items.*.KEY
  static constexpr size_t kMetadata = 4;  // items.*.metadata.KEY
  static constexpr size_t kText = 5;      // items.*.metadata.labels.KEY
  static constexpr size_t kOwner = 6;     // items.*.metadata.ownerReferences.*.KEY
  static constexpr size_t kDepthMax = kOwner;

  const std::string& key(size_t depth) const { return keys_[depth]; }

  void Enter() {
    ++depth_;
    if (depth_ <= kDepthMax) keys_[depth_].clear();  // an array's elements have no key
  }

  /// True if the keys from the top on are these.
  bool Below(std::initializer_list<std::string_view> path) const {
    size_t depth = 0;
    for (const std::string_view part : path) {
      if (keys_[++depth] != part) return false;
    }
    return true;
  }

  void Take(std::string_view value) {
    if (depth_ < kMetadata || depth_ > kOwner || !Below({"items", "", "metadata"})) return;
    if (depth_ == kMetadata) {
      if (key(kMetadata) == "uid") pod_.uid = value;
      if (key(kMetadata) == "name") pod_.name = value;
      if (key(kMetadata) == "namespace") pod_.namespace_name = value;
    } else if (depth_ == kText && key(kMetadata) == "labels") {
      pod_.labels[key(kText)] = value;
    } else if (depth_ == kText && key(kMetadata) == "annotations") {
      if (key(kText) == kConfigSource) from_api_ = value == "api";
      if (KeepsAnnotation(key(kText), annotations_)) pod_.annotations[key(kText)] = value;
    } else if (depth_ == kOwner && key(kMetadata) == "ownerReferences" && key(kText).empty()) {
      if (key(kOwner) == "kind") owner_.kind = value;
      if (key(kOwner) == "name") owner_.name = value;
      if (key(kOwner) == "uid") owner_.uid = value;
    }
  }

  void FinishOwner() {
    if (controls_ && !owner_.name.empty()) pod_.owner = std::move(owner_);
    owner_ = {};
    controls_ = false;
  }

  void FinishPod() {
    if (!pod_.owner.kind.empty()) {
      const auto hash = pod_.labels.find(std::string(kTemplateHashLabel));
      const Workload top =
          WorkloadOfController({pod_.owner.name, pod_.owner.kind},
                               hash == pod_.labels.end() ? std::string_view() : hash->second);
      if (top.kind != pod_.owner.kind) pod_.owner = {top.kind, top.name, ""};
    } else if (from_api_) {
      pod_.owner = {"Pod", pod_.name, pod_.uid};  // and whatever its name looks like
    }
    pod_.from_kubelet = true;
    if (IsPodUid(pod_.uid)) pods_.push_back(std::move(pod_));
    pod_ = {};
    from_api_ = false;
  }

  const std::vector<std::string>& annotations_;
  std::vector<PodMetadata> pods_;
  size_t depth_ = 0;
  std::array<std::string, kDepthMax + 1> keys_;  // by depth; empty: an element of an array
  PodMetadata pod_;
  PodOwner owner_;
  bool controls_ = false;
  bool from_api_ = false;
  bool has_items_ = false;
};

}  // namespace

Result<std::vector<PodMetadata>> ParseKubeletPods(std::string_view json,
                                                  const std::vector<std::string>& annotations) {
  Handler handler(annotations);
  rapidjson::MemoryStream stream(json.data(), json.size());
  rapidjson::Reader reader;
  // Iterative: a deep nesting must not use up the stack.
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  const rapidjson::ParseResult parsed = reader.Parse<kFlags>(stream, handler);
  if (parsed.IsError()) {
    return Error{
        ErrorKind::kCorrupt,
        fmt::format("{} At byte {}.", rapidjson::GetParseError_En(parsed.Code()), parsed.Offset())};
  }
  if (!handler.has_items()) return Error{ErrorKind::kCorrupt, "it is not a list of pods"};
  return std::move(handler).pods();
}

}  // namespace hinomi
