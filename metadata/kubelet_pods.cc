#include "metadata/kubelet_pods.h"

#include <algorithm>
#include <utility>

#include "base/json_walk.h"
#include "metadata/pod_path.h"
#include "metadata/pod_source.h"
#include "metadata/workload.h"

namespace hinomi {
namespace {

constexpr std::string_view kTemplateHashLabel = "pod-template-hash";
constexpr std::string_view kConfigSource = "kubernetes.io/config.source";

class Visitor final : public JsonVisitor {
 public:
  explicit Visitor(const std::vector<std::string>& annotations) : annotations_(annotations) {}

  void BeginArray(const JsonPath& path) override { has_items_ = has_items_ || path.Is({"items"}); }
  void EndObject(const JsonPath& path) override {
    if (path.Is({"items", ""})) FinishPod();
    if (path.Is({"items", "", "metadata", "ownerReferences", ""})) FinishOwner();
    if (path.Is({"items", "", "status", "conditions", ""})) FinishCondition();
  }
  void Flag(const JsonPath& path, bool value) override {
    if (path.Is({"items", "", "metadata", "ownerReferences", "", "controller"})) controls_ = value;
  }
  void Text(const JsonPath& path, std::string_view value) override {
    if (path.IsIn({"items", "", "metadata"})) {
      if (path.last() == "uid") pod_.uid = value;
      if (path.last() == "name") pod_.name = value;
      if (path.last() == "namespace") pod_.namespace_name = value;
    } else if (path.IsIn({"items", "", "metadata", "labels"})) {
      pod_.labels[path.last()] = value;
    } else if (path.IsIn({"items", "", "metadata", "annotations"})) {
      if (path.last() == kConfigSource) from_api_ = value == "api";
      if (KeepsAnnotation(path.last(), annotations_)) pod_.annotations[path.last()] = value;
    } else if (path.IsIn({"items", "", "metadata", "ownerReferences", ""})) {
      if (path.last() == "kind") owner_.kind = value;
      if (path.last() == "name") owner_.name = value;
      if (path.last() == "uid") owner_.uid = value;
    } else if (path.IsIn({"items", "", "status", "conditions", ""})) {
      if (path.last() == "type") condition_ = value;
      if (path.last() == "status") holds_ = value == "True";
    } else if (path.Is({"items", "", "status", "phase"})) {
      ended_ = value == "Succeeded" || value == "Failed";
    }
  }

  bool has_items() const { return has_items_; }
  std::vector<PodMetadata> pods() && { return std::move(pods_); }

 private:
  void FinishOwner() {
    if (controls_ && !owner_.name.empty()) pod_.owner = std::move(owner_);
    owner_ = {};
    controls_ = false;
  }

  void FinishCondition() {
    if (condition_ == "Ready") pod_.ready = holds_;
    condition_.clear();
    holds_ = false;
  }

  void FinishPod() {
    if (ended_) {
      pod_.ready.reset();
    } else if (!pod_.ready) {
      pod_.ready = false;
    }
    ended_ = false;
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
  PodMetadata pod_;
  PodOwner owner_;
  bool controls_ = false;
  std::string condition_;
  bool holds_ = false;
  bool ended_ = false;
  bool from_api_ = false;
  bool has_items_ = false;
};

}  // namespace

Result<std::vector<PodMetadata>> ParseKubeletPods(std::string_view json,
                                                  const std::vector<std::string>& annotations) {
  Visitor visitor(annotations);
  const Result<void> walked = WalkJson(json, visitor);
  if (!walked) return walked.error();
  if (!visitor.has_items()) return Error{ErrorKind::kCorrupt, "it is not a list of pods"};
  return std::move(visitor).pods();
}

}  // namespace hinomi
