#include "metadata/docker_config.h"

#include <fmt/core.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <array>

namespace hinomi {
namespace {

// Takes what is wanted as it passes by, and nothing else.
class Handler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Handler> {
 public:
  explicit Handler(DockerContainer* out) : out_(*out) {}

  bool StartObject() {
    ++depth_;
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    --depth_;
    return true;
  }
  bool StartArray() {
    ++arrays_;
    return true;
  }
  bool EndArray(rapidjson::SizeType) {
    --arrays_;
    return true;
  }
  bool Key(const char* text, rapidjson::SizeType bytes, bool) {
    if (arrays_ == 0 && depth_ <= kDepthMax) keys_[depth_].assign(text, bytes);
    return true;
  }
  bool String(const char* text, rapidjson::SizeType bytes, bool) {
    if (arrays_ == 0 && depth_ <= kDepthMax) Take({text, bytes});
    return true;
  }

 private:
  static constexpr size_t kDepthMax = 3;

  void Take(std::string_view value) {
    if (depth_ == 1 && keys_[1] == "ID") out_.id = value;
    if (depth_ == 1 && keys_[1] == "Name") out_.name = value.substr(value.starts_with('/') ? 1 : 0);
    if (depth_ < 2 || keys_[1] != "Config") return;
    if (depth_ == 2 && keys_[2] == "Image") out_.image = value;
    if (depth_ == 3 && keys_[2] == "Labels") TakeLabel(keys_[3], value);
  }

  void TakeLabel(const std::string& key, std::string_view value) {
    if (key.starts_with("io.kubernetes.")) out_.kubernetes = true;
    const bool repeated = std::any_of(out_.labels.begin(), out_.labels.end(),
                                      [&](const auto& label) { return label.first == key; });
    if (repeated || key.size() + value.size() > label_bytes_left_) return;
    label_bytes_left_ -= key.size() + value.size();
    out_.labels.emplace_back(key, value);
  }

  DockerContainer& out_;
  size_t depth_ = 0;                             // of objects
  size_t arrays_ = 0;                            // open ones; nothing within is wanted
  std::array<std::string, kDepthMax + 1> keys_;  // by depth
  size_t label_bytes_left_ = kDockerLabelsBytesMax;
};

}  // namespace

Result<DockerContainer> ParseDockerConfig(std::string_view json) {
  DockerContainer container;
  Handler handler(&container);
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
  if (container.id.empty() || container.name.empty()) {
    return Error{ErrorKind::kCorrupt, "no ID or Name"};
  }
  return container;
}

}  // namespace hinomi
