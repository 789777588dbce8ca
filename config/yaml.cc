#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "config/text.h"

namespace hinomi {
namespace {

YamlMark MarkOf(const YAML::Mark& mark) {
  // yaml-cpp counts from 0 and says -1 where it does not know.
  if (mark.is_null()) return {};
  return {static_cast<size_t>(mark.line) + 1, static_cast<size_t>(mark.column) + 1};
}

/// Builds the tree from the parser's events, which unlike yaml-cpp's own nodes can be stopped at a
/// limit.
class TreeBuilder final : public YAML::EventHandler {
 public:
  YamlNode Take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw YAML::Exception(mark, "expected one document only");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    RefuseAnchor(mark, anchor);
    if (AtKey()) throw YAML::Exception(mark, "expected a key, got nothing");
    Add(mark, YamlNode::Kind::kNull);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    RefuseAnchor(mark, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    static_cast<void>(tag);
    RefuseAnchor(mark, anchor);
    if (AtKey()) {
      open_.back().node->members.push_back({value, MarkOf(mark), {}});
      open_.back().at_key = false;
    } else {
      Add(mark, YamlNode::Kind::kScalar).text = value;
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    static_cast<void>(tag);
    static_cast<void>(style);
    RefuseAnchor(mark, anchor);
    Open(mark, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    static_cast<void>(tag);
    static_cast<void>(style);
    RefuseAnchor(mark, anchor);
    Open(mark, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct OpenNode {
    YamlNode* node;  // stays where it is: only the innermost open node grows
    bool at_key;
  };

  static void RefuseAnchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      throw YAML::Exception(mark, "anchors and aliases (& and *) are not supported");
    }
  }

  bool AtKey() const { return !open_.empty() && open_.back().at_key; }

  YamlNode& Add(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (++nodes_ > kYamlNodesMax) throw YAML::Exception(mark, "more than 20000 values");
    YamlNode* node = &root_;
    if (!open_.empty() && open_.back().node->kind == YamlNode::Kind::kList) {
      node = &open_.back().node->items.emplace_back();
    } else if (!open_.empty()) {
      node = &open_.back().node->members.back().value;
      open_.back().at_key = true;
    }
    node->kind = kind;
    node->mark = MarkOf(mark);
    // Nothing has no place of its own: yaml-cpp names that of what follows.
    if (kind == YamlNode::Kind::kNull && !open_.empty() &&
        open_.back().node->kind == YamlNode::Kind::kMap) {
      node->mark = open_.back().node->members.back().mark;
    }
    return *node;
  }

  void Open(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (AtKey()) throw YAML::Exception(mark, "expected a key, got a list or map");
    if (open_.size() == kYamlDepthMax) throw YAML::Exception(mark, "nested too deeply");
    YamlNode& node = Add(mark, kind);
    open_.push_back({&node, kind == YamlNode::Kind::kMap});
  }

  YamlNode root_;
  std::vector<OpenNode> open_;
  size_t documents_ = 0;
  size_t nodes_ = 0;
};

}  // namespace

std::variant<YamlNode, YamlError> ParseYaml(std::string_view text) {
  if (text.size() > kYamlBytesMax) return YamlError{{}, "the file is larger than 1MiB"};
  // yaml-cpp reads ahead of its events here, at hundreds of bytes for each of these.
  auto opens = [](char c) { return c == '[' || c == '{'; };
  if (std::count_if(text.begin(), text.end(), opens) > static_cast<ptrdiff_t>(kYamlNodesMax)) {
    return YamlError{{}, "more than 20000 lists and maps"};
  }
  size_t valid = ValidTextSize(text);
  if (valid < text.size()) {
    std::string_view before = text.substr(0, valid);
    size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
    size_t lines = static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
    return YamlError{{lines + 1, valid - line_begin + 1}, "not UTF-8 text"};
  }
  try {
    // Without the end marker yaml-cpp takes a quote that is never closed for one that ends with the
    // file.
    std::istringstream stream(std::string(text) + "\n...\n");
    YAML::Parser parser(stream);
    TreeBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.Take();
  } catch (const YAML::Exception& error) {
    return YamlError{MarkOf(error.mark), error.msg};
  } catch (const std::exception& error) {
    return YamlError{{}, error.what()};
  }
}

}  // namespace hinomi
