#include "shipper/codec/multiline.h"

#include <gtest/gtest.h>

#include "shipper/codec/decoded_text.h"

namespace hinomi {
namespace {

std::string Line(const std::string& body, int milliseconds = 0,
                 const std::string& head = "stdout F ") {
  char time[40];
  std::snprintf(time, sizeof time, "2026-01-02T03:04:%02d.%03dZ ", milliseconds / 1000,
                milliseconds % 1000);
  return time + head + body + "\n";
}
std::string Err(const std::string& body, int milliseconds = 0) {
  return Line(body, milliseconds, "stderr F ");
}
constexpr const char* kTime = "2026-01-02T03:04:00.000Z";

MultilineConfig Indented() {
  MultilineConfig config;
  config.continues = "^ ";
  config.lines_max = 4;
  return config;
}

struct Joining {
  Multiline multiline;
};

struct Shown : Joining, DecodedText {
  explicit Shown(DecodedTextInput in, const MultilineConfig& config = Indented())
      : Joining{Multiline({config}, {in.record_bytes_max})},
        DecodedText(
            [this](const Chunk& chunk) { multiline.Decode(0, LogFormat::kCri, chunk, &decoded); },
            in) {}
};

TEST(Multiline, JoinsLinesOfAStream) {
  struct Case {
    std::vector<std::string> segments;
    std::string want;
  };
  const std::vector<Case> cases = {
      {{""}, ""},
      {{Line("a")}, ""},
      {{Line("a") + Line(" b")}, ""},
      {{Line("a") + Line(" b") + Line("c")}, "a\n b|"},
      {{Line(" a") + Line("b") + Line("c")}, " a|b|"},
      {{Line("a"), Line(" b") + Line("c") + Line("d")}, "a\n b|c|"},
      {{Line("a") + Line(" b", 0, "stdout P ") + Line(" c") + Line("d")}, "a\n b c|"},
      {{Line("a") + Line(" b", 0, "stdout P ")}, ""},
      {{Line("a") + "garbage\n" + Line(" b") + "\n" + Line("c")}, "a\n b|"},
      // One waits for the other, and what overlaps is one unit.
      {{Line("a") + Line("b") + Err("x") + Line("c") + Line("d")}, "a|b|"},
      {{Err("x") + Line("a") + Line("b") + Line("c")}, ""},
      {{Line("a") + Err("x") + Line(" b") + Err(" y") + Line("c") + Err("z")}, "a\n b x\n y|"},
      {{Line("a") + Err("x") + Line(" b") + Line("c") + Err(" y") + Line("d") + Err("z")},
       "a\n b c x\n y|"},
  };
  for (const Case& c : cases) {
    const Shown shown({.segments = c.segments});
    EXPECT_EQ(shown.text, c.want);
    EXPECT_EQ(shown.decoded.has_open, !c.segments[0].empty()) << c.want;
    EXPECT_EQ(shown.decoded.after, Continuation{});
  }
}

TEST(Multiline, Fields) {
  const std::string first = Line("a", 1);
  const std::string second = Line(" b", 2);
  const Shown shown(
      {.segments = {"garbage\n" + first + "\n", second + Line("c") + "more\n"}, .offset = 500});
  ASSERT_EQ(shown.decoded.records.size(), 1u);
  const Record& block = shown.decoded.records[0];
  EXPECT_EQ(block.body, "a\n b");
  EXPECT_EQ(block.time, "2026-01-02T03:04:00.001Z");
  EXPECT_EQ(block.begin, (Position{0, 508}));
  EXPECT_EQ(block.end, (Position{1, second.size()}));
  EXPECT_EQ(block.segment_key, 1000u);
  EXPECT_EQ(block.source_bytes, first.size() + second.size());
  const std::array<Hash128, 2> chain = {Hash128Of(first), Hash128Of(second)};
  EXPECT_EQ(block.content, Hash128Of({reinterpret_cast<const char*>(chain.data()), sizeof chain}));
  EXPECT_FALSE(block.cut);
  EXPECT_EQ(shown.decoded.corrupt_lines, 2u) << "the last one lies behind what is consumed";
  EXPECT_EQ(shown.decoded.corrupt_bytes, 9u);
  EXPECT_EQ(shown.decoded.consumed, block.end);
  EXPECT_EQ(shown.decoded.open_end, (Position{1, second.size() + Line("c").size()}));
}

TEST(Multiline, ALineAloneIsAsTheDecoderMadeIt) {
  const Shown shown({.segments = {Line("a") + Line("b")}});
  ASSERT_EQ(shown.decoded.records.size(), 1u);
  EXPECT_EQ(shown.decoded.records[0].content, Hash128Of(Line("a")));
}

TEST(Multiline, LimitsCut) {
  const std::string five = Line("a") + Line(" b") + Line(" c") + Line(" d") + Line(" e");
  EXPECT_EQ(Shown({.segments = {five + Line("f")}}).text, "~a\n b\n c\n d| e|");
  EXPECT_EQ(
      Shown({.segments = {Line("a") + Line(" b") + Line(" c") + Line(" d") + Line("e")}}).text,
      "a\n b\n c\n d|");
  const std::string six = Line("aaa") + Line(" bb") + Line(" c");
  EXPECT_EQ(Shown({.segments = {six + Line("d")}, .record_bytes_max = 10}).text, "aaa\n bb\n c|");
  EXPECT_EQ(Shown({.segments = {six + Line("d")}, .record_bytes_max = 9}).text, "~aaa\n bb| c|");
}

TEST(Multiline, ARecordThatIsCutEndsItsBlock) {
  // In pieces of a line, and of several parts: what comes behind them is no line's beginning.
  EXPECT_EQ(Shown({.segments = {Line("a") + Line(" 23456 890") + Line(" b") + Line("c")},
                   .record_bytes_max = 8})
                .text,
            "~a|~ 23456 8 ~90| b|");
  EXPECT_EQ(Shown({.segments = {Line("a") + Line(" 2345", 0, "stdout P ") +
                                Line(" 789", 0, "stdout P ") + Line(" x") + Line(" b") + Line("c")},
                   .record_bytes_max = 8})
                .text,
            "~a\n 2345 ~ 789 x| b|");
}

TEST(Multiline, WaitsInTheLogsOwnTime) {
  struct Case {
    std::string bytes;
    std::string want;
  };
  const std::string much(Multiline::kBytesBehindMax, 'y');
  const std::vector<Case> cases = {
      {Line("a", 0) + Line(" b", 1000) + Line(" c", 2000) + Line("d", 2000), "a\n b\n c|"},
      {Line("a", 0) + Line(" b", 1001) + Line("c", 1001), "a| b|"},
      {Line("a", 0) + Err("x", 1000) + Line(" b", 1000) + Line("c", 1000), ""},
      {Line("a", 0) + Err("x", 1001), "a|"},
      {Line("a", 5000) + Line(" b", 0) + Line("c", 0), "a\n b|"},  // a clock that was set back
  };
  for (const Case& c : cases) EXPECT_EQ(Shown({.segments = {c.bytes}}).text, c.want);
  const Shown behind({.segments = {Line("a") + Err(much) + Err("x") + Line(" b") + Line("c")},
                      .record_bytes_max = 1 << 20});
  EXPECT_EQ(behind.decoded.records.size(), 2u) << "x still waits, and what comes behind it";
}

TEST(Multiline, CloseOpenTakesWhatHasWaited) {
  const std::string two = Line("a") + Line(" b");
  const Shown shown({.segments = {two}, .close_open = true, .open_end = {0, two.size()}});
  EXPECT_EQ(shown.text, "a\n b|");
  EXPECT_FALSE(shown.decoded.has_open);
  const Shown grown({.segments = {two}, .close_open = true, .open_end = {0, Line("a").size()}});
  EXPECT_EQ(grown.text, "");
  EXPECT_EQ(grown.decoded.open_end, (Position{0, two.size()}));
  // What the decoder waits for came later.
  const std::string part = Line("c", 0, "stdout P ");
  const Shown both({.segments = {two + part}, .close_open = true, .open_end = {0, two.size()}});
  EXPECT_EQ(both.text, "a\n b|");
  EXPECT_TRUE(both.decoded.has_open);
  const Shown alone({.segments = {part}, .close_open = true});
  EXPECT_EQ(alone.text, "~c ");
}

TEST(Multiline, FullChunkMakesProgress) {
  const Shown stuck({.segments = {Line("a") + Line(" b") + Err("x")}, .full = true});
  EXPECT_EQ(stuck.text, "~a\n b|~x|");
  EXPECT_FALSE(stuck.decoded.has_open);
  const Shown enough({.segments = {Line("a") + Line("b") + Err("x")}, .full = true});
  EXPECT_EQ(enough.text, "a|");
  const Shown behind_garbage({.segments = {"garbage\n" + Line("a") + Line(" b")}, .full = true});
  EXPECT_EQ(behind_garbage.text, "");
  EXPECT_EQ(behind_garbage.decoded.consumed.offset, 8u);
  EXPECT_EQ(behind_garbage.decoded.corrupt_lines, 1u);
}

TEST(Multiline, GoesOnBehindACut) {
  using Kind = Continuation::Kind;
  // The rest of a record of stderr is still to come.
  const Continuation record{Kind::kRecord, Stream::kStderr, ""};
  const Shown waits({.segments = {Line("a") + Line("b") + Err("x")}, .before = record});
  EXPECT_EQ(waits.text, "");
  EXPECT_EQ(waits.decoded.after, record);
  EXPECT_EQ(waits.decoded.consumed.offset, 0u);
  const Continuation line{Kind::kMidLine, Stream::kStdout, kTime};
  const Shown rest({.segments = {" rest\n" + Line(" a")}, .offset = 70, .before = line});
  EXPECT_EQ(rest.text, "~ rest|");
  EXPECT_EQ(rest.decoded.after, Continuation{});
  const Continuation skip{Kind::kSkip, Stream::kNone, ""};
  const Shown skipped({.segments = {"rest\n" + Line("a")}, .offset = 70, .before = skip});
  EXPECT_EQ(skipped.decoded.consumed.offset, 75u);
  EXPECT_EQ(skipped.decoded.corrupt_bytes, 5u);
  EXPECT_EQ(skipped.decoded.corrupt_lines, 0u);
  EXPECT_EQ(skipped.decoded.after, Continuation{});
}

}  // namespace
}  // namespace hinomi
