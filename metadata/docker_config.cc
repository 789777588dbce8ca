#include "metadata/docker_config.h"

#include <algorithm>

#include "base/json_walk.h"

namespace hinomi {
namespace {

class Visitor final : public JsonVisitor {
 public:
  explicit Visitor(DockerContainer* out) : out_(*out) {}

  void Text(const JsonPath& path, std::string_view value) override {
    if (path.Is({"ID"})) out_.id = value;
    if (path.Is({"Name"})) out_.name = value.substr(value.starts_with('/') ? 1 : 0);
    if (path.Is({"Config", "Image"})) out_.image = value;
    if (path.IsIn({"Config", "Labels"})) TakeLabel(path.last(), value);
  }

 private:
  void TakeLabel(const std::string& key, std::string_view value) {
    if (key.starts_with("io.kubernetes.")) out_.kubernetes = true;
    const bool repeated = std::any_of(out_.labels.begin(), out_.labels.end(),
                                      [&](const auto& label) { return label.first == key; });
    if (repeated || key.size() + value.size() > label_bytes_left_) return;
    label_bytes_left_ -= key.size() + value.size();
    out_.labels.emplace_back(key, value);
  }

  DockerContainer& out_;
  size_t label_bytes_left_ = kDockerLabelsBytesMax;
};

}  // namespace

Result<DockerContainer> ParseDockerConfig(std::string_view json) {
  DockerContainer container;
  Visitor visitor(&container);
  const Result<void> walked = WalkJson(json, visitor);
  if (!walked) return walked.error();
  if (container.id.empty() || container.name.empty()) {
    return Error{ErrorKind::kCorrupt, "no ID or Name"};
  }
  return container;
}

}  // namespace hinomi
