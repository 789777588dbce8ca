#include "shipper/codec/multiline_rule.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shipper/codec/stack_traces.h"

namespace hinomi {
namespace {

/// `text`, lines ended by newlines, in blocks.
std::vector<std::string> BlocksOf(const MultilineConfig& config, std::string_view text) {
  const MultilineRule rule(config);
  std::vector<std::string> blocks;
  MultilineRule::State state = 0;
  while (!text.empty()) {
    const std::string line(text.substr(0, text.find('\n')));
    text.remove_prefix(line.size() + 1);
    if (!blocks.empty() && rule.MayContinue(state) && rule.Continue(line, &state)) {
      blocks.back() += "\n" + line;
    } else {
      blocks.push_back(line);
      state = rule.Begin(line);
    }
  }
  return blocks;
}

MultilineConfig Start(const std::string& pattern) {
  MultilineConfig config;
  config.start = pattern;
  return config;
}

MultilineConfig Continue(const std::string& pattern) {
  MultilineConfig config;
  config.continues = pattern;
  return config;
}

TEST(MultilineRule, Patterns) {
  using Blocks = std::vector<std::string>;
  EXPECT_EQ(BlocksOf(Start(R"(^\d{4}-)"), "lost\nhead\n2026-11-21 a\n b\n\nc\n2026-11-22 d\n"),
            (Blocks{"lost\nhead", "2026-11-21 a\n b\n\nc", "2026-11-22 d"}));
  EXPECT_EQ(BlocksOf(Continue(R"(^\s)"), " a\n b\nc\n\td\ne\n\n"),
            (Blocks{" a\n b", "c\n\td", "e", ""}));
  EXPECT_EQ(BlocksOf(Start(std::string(1100, 'x')),
                     std::string(1100, 'x') + "\n" + std::string(1100, 'x') + "\n")
                .size(),
            1u)
      << "only the first 1 KiB of a line is looked at";
}

TEST(MultilineRule, KnowsWhenNoLineCanContinue) {
  MultilineConfig config;
  for (const auto& [preset, want] : {std::pair{MultilinePreset::kJava, true},
                                     {MultilinePreset::kPython, false},
                                     {MultilinePreset::kGo, false}}) {
    config.preset = preset;
    const MultilineRule rule(config);
    EXPECT_EQ(rule.MayContinue(rule.Begin("an ordinary line")), want);
  }
  EXPECT_TRUE(MultilineRule(Start("^a")).MayContinue(0));
  EXPECT_TRUE(MultilineRule(Continue("^a")).MayContinue(0));
}

std::string TextOf(const StackTrace& trace) {
  std::string text = trace.text;
  for (size_t at = text.find("»"); at != text.npos; at = text.find("»", at)) {
    text.replace(at, 2, "\t");
  }
  return text;
}

class Presets : public ::testing::TestWithParam<StackTrace> {};

INSTANTIATE_TEST_SUITE_P(Traces, Presets, ::testing::ValuesIn(kStackTraces),
                         [](const auto& trace) { return trace.param.name; });

// Between ordinary lines of all kinds, and behind themselves.
TEST_P(Presets, MakeATraceOneRecord) {
  MultilineConfig config;
  config.preset = GetParam().preset;
  const std::string text = TextOf(GetParam());
  const std::string trace = text.substr(0, text.size() - 1);
  const std::vector<std::string> ordinary = {
      "2026-11-21 02:26:54 ERROR shop: cannot pay: no amount",
      "{\"level\":\"info\",\"msg\":\"started\"}",
      "INFO: listening on :8080 (tcp)",
      "127.0.0.1 - - \"GET / HTTP/1.1\" 200",
  };
  std::string lines;
  std::vector<std::string> want;
  for (const std::string& line : ordinary) {
    lines += line + "\n" + text + text + line + "\n";
    want.insert(want.end(), {line, trace, trace, line});
  }
  EXPECT_EQ(BlocksOf(config, lines), want);
}

// What a preset is made for, ordinary lines of a kind that look like parts of a trace, and what is
// left of one.
TEST(MultilineRule, PresetsLeaveOrdinaryLinesAlone) {
  struct Case {
    MultilinePreset preset;
    const char* text;
    size_t want;
  };
  const Case cases[] = {
      {MultilinePreset::kJava, "a\n\nb\n  indented\n", 4},
      {MultilinePreset::kJava, "at the door\nCaused by nobody\n... 3 more\n", 3},
      {MultilinePreset::kJava, "com.example.Main: started\n\nx\n", 3},
      {MultilinePreset::kJava, "\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)\n", 1},
      {MultilinePreset::kPython, "a\n  indented\nKeyError: 1\n\n", 4},
      {MultilinePreset::kPython, "Traceback (most recent call last):\n  x\nno exception here\n", 2},
      {MultilinePreset::kGo, "a\n\tb\nmain.main()\n\n", 4},
      {MultilinePreset::kGo, "goroutine 1 [running]:\nmain.main()\n\nmain.call(1)\n", 2},
  };
  for (const Case& c : cases) {
    MultilineConfig config;
    config.preset = c.preset;
    EXPECT_EQ(BlocksOf(config, c.text).size(), c.want) << c.text;
  }
}

}  // namespace
}  // namespace hinomi
