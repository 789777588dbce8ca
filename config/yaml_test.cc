#include "config/yaml.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace hinomi {
namespace {

/// The tree on one line, with positions: `{a@1:1: b@1:4}`.
std::string Shown(const YamlNode& node) {
  std::string text;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      text = "null";
      break;
    case YamlNode::Kind::kScalar:
      text = node.text;
      break;
    case YamlNode::Kind::kList:
      for (const YamlNode& item : node.items) text += (text.empty() ? "" : ", ") + Shown(item);
      return "[" + text + "]";
    case YamlNode::Kind::kMap:
      for (const YamlMember& member : node.members) {
        text += fmt::format("{}{}@{}:{}: {}", text.empty() ? "" : ", ", member.key,
                            member.mark.line, member.mark.column, Shown(member.value));
      }
      return "{" + text + "}";
  }
  return fmt::format("{}@{}:{}", text, node.mark.line, node.mark.column);
}

std::string Parsed(std::string_view text) {
  auto parsed = ParseYaml(text);
  if (const YamlError* error = std::get_if<YamlError>(&parsed)) {
    return fmt::format("error {}:{}: {}", error->mark.line, error->mark.column, error->text);
  }
  return Shown(std::get<YamlNode>(parsed));
}

TEST(Yaml, BuildsATreeWithPositions) {
  const struct {
    const char* text;
    const char* want;
  } kCases[] = {
      {"", "null@2:1"},
      {"# only a comment\n", "null@3:1"},
      {"a: b", "{a@1:1: b@1:4}"},
      {"a: ~\nb:\nc: null\nd: \"~\"",
       "{a@1:1: null@1:1, b@2:1: null@2:1, c@3:1: null@3:1, d@4:1: ~@4:4}"},
      {"a:\n  b: [1, {c: d}]\n", "{a@1:1: {b@2:3: [1@2:7, {c@2:11: d@2:14}]}}"},
      {"a: 1\na: 2\n", "{a@1:1: 1@1:4, a@2:1: 2@2:4}"},
      {"- 'x y'\n- |\n  z\n", "[x y@1:3, z\n@2:3]"},
      {"\"a\": \"\\u00e9\"", "{a@1:1: é@1:6}"},
      {"<<: 1", "{<<@1:1: 1@1:5}"},
  };
  for (const auto& test : kCases) EXPECT_EQ(Parsed(test.text), test.want) << test.text;
}

TEST(Yaml, RefusesWhatAConfigurationNeverNeeds) {
  const struct {
    std::string text;
    std::string want;
  } kCases[] = {
      {"a: [1", "error 2:1: end of sequence flow not found"},
      {"a: 'b\nc: d\n", "error 4:1: illegal document indicator in scalar"},
      {"a: b\n c: d: e", "error 2:3: illegal map value"},
      {"a: &x 1\nb: *x", "error 1:4: anchors and aliases (& and *) are not supported"},
      {"a: 1\n---\nb: 2\n", "error 2:1: expected one document only"},
      {"? [a]\n: b\n", "error 1:3: expected a key, got a list or map"},
      {"~: b\n", "error 1:1: expected a key, got nothing"},
      {"a: b\nc: \xff\n", "error 2:4: not UTF-8 text"},
      {std::string("a: b\n\0", 6), "error 2:1: not UTF-8 text"},
      {std::string(33, '[') + std::string(33, ']'), "error 1:33: nested too deeply"},
      {std::string(20'001, '{'), "error 1:1: more than 20000 lists and maps"},
      {std::string((1 << 20) + 1, '#'), "error 1:1: the file is larger than 1MiB"},
  };
  for (const auto& test : kCases)
    EXPECT_EQ(Parsed(test.text), test.want) << test.text.substr(0, 80);
  EXPECT_EQ(Parsed(std::string(32, '[') + std::string(32, ']')).substr(0, 2), "[[");
}

TEST(Yaml, SurvivesHostileText) {
  std::string many = "[";
  for (size_t i = 0; i < kYamlNodesMax; ++i) many += "a,";
  EXPECT_EQ(Parsed(many + "]").substr(0, 6), "error ");
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 50; ++i) bomb += fmt::format("a{}: &a{} [*a{}, *a{}]\n", i, i, i - 1, i - 1);
  EXPECT_EQ(Parsed(bomb).substr(0, 6), "error ");
  for (const char* piece : {"[", "{", "- ", "? ", "a: ", "\"", "!", "&", ": ", "- - "}) {
    std::string text;
    while (text.size() < 200'000) text += piece;
    EXPECT_EQ(Parsed(text).substr(0, 6), "error ") << piece;
  }
}

}  // namespace
}  // namespace hinomi
