#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shipper/codec/decoded_text.h"

namespace hinomi {
namespace {

constexpr const char* kTime = "2026-01-02T03:04:05.123456789Z";

std::string Out(const std::string& tag, const std::string& body) {
  return std::string(kTime) + " stdout " + tag + " " + body + "\n";
}
std::string Err(const std::string& tag, const std::string& body) {
  return std::string(kTime) + " stderr " + tag + " " + body + "\n";
}

struct Shown : DecodedText {
  explicit Shown(DecodedTextInput in) : DecodedText(LogFormat::kCri, std::move(in)) {}
};

TEST(DecodeCri, WholeLinesAndParts) {
  struct Case {
    std::vector<std::string> segments;
    std::string want;
    bool open;
  };
  const std::vector<Case> cases = {
      {{""}, "", false},
      {{Out("F", "a") + Err("F", "b")}, "a|b|", false},
      {{Out("F", "")}, "|", false},
      {{Out("F", " a\r")}, " a\r|", false},
      {{Out("F:x", "a")}, "a|", false},
      {{Out("P", "a") + Out("P", "b") + Out("F", "c") + Out("F", "d")}, "abc|d|", false},
      {{Out("P", "a")}, "", true},
      {{Out("F", "z") + Out("P", "a") + Err("F", "b")}, "z|", true},
      {{Out("P", "a") + Err("F", "b") + Out("F", "c")}, "b ac|", false},
      {{Out("P", "a") + Err("P", "b") + Out("F", "c") + Err("F", "d")}, "ac bd|", false},
      {{Out("P", "a") + Err("P", "b") + Out("F", "c")}, "", true},  // one unit, still open
      {{Out("P", "a"), Out("F", "b")}, "ab|", false},
      {{Out("P", "a"), "", Out("P", "b"), Out("F", "c") + Out("F", "d")}, "abc|d|", false},
      {{Out("F", "a") + std::string(kTime) + " stdout F b", Out("F", "c")}, "a|b|c|", false},
      {{Out("F", "a") + std::string(kTime) + " stdout F b"}, "a|", true},
      {{Out("F", "a") + std::string(kTime)}, "a|", true},
  };
  for (const Case& c : cases) {
    const Shown shown({.segments = c.segments});
    EXPECT_EQ(shown.text, c.want);
    EXPECT_EQ(shown.decoded.has_open, c.open) << c.want;
    EXPECT_EQ(shown.decoded.corrupt_lines, 0u);
    EXPECT_EQ(shown.decoded.after, Continuation{});
  }
}

TEST(DecodeCri, Fields) {
  const Shown shown({.segments = {Out("F", "zero") + Err("P", "a"), Err("F", "b")}, .offset = 500});
  ASSERT_EQ(shown.decoded.records.size(), 2u);
  const Record& first = shown.decoded.records[0];
  EXPECT_EQ(first.time, kTime);
  EXPECT_EQ(first.stream, Stream::kStdout);
  EXPECT_EQ(first.begin, (Position{0, 500}));
  EXPECT_EQ(first.end, (Position{0, 500 + Out("F", "zero").size()}));
  EXPECT_EQ(first.content, Hash128Of(Out("F", "zero")));
  const Record& second = shown.decoded.records[1];
  EXPECT_EQ(second.stream, Stream::kStderr);
  EXPECT_EQ(second.begin, first.end);
  EXPECT_EQ(second.end, (Position{1, Err("F", "b").size()}));
  EXPECT_EQ(second.segment_key, 1000u);
  EXPECT_EQ(second.kind, BodyKind::kText);
  EXPECT_EQ(shown.decoded.consumed, second.end);
}

TEST(DecodeCri, CorruptLines) {
  struct Case {
    std::string bytes;
    std::string want;
    uint64_t lines;
  };
  const std::vector<Case> cases = {
      {"\n", "", 1},
      {"garbage\n" + Out("F", "a") + "\n\nmore\n", "a|", 4},
      {Out("P", "a") + "garbage\n" + Out("F", "b"), "ab|", 1},
      {"2026-99-02T03:04:05Z stdout F x\n", "", 1},
      {std::string(kTime) + " stdout F\n", "", 1},
      {std::string("\0\0\0\n", 4) + Out("F", "a"), "a|", 1},
      {std::string("\0\0\0", 3) + Out("F", "a") + Out("F", "b"), "a|b|", 1},
  };
  for (const Case& c : cases) {
    const Shown shown({.segments = {c.bytes}});
    EXPECT_EQ(shown.text, c.want);
    EXPECT_EQ(shown.decoded.corrupt_lines, c.lines) << c.bytes;
    EXPECT_EQ(shown.decoded.consumed.offset, c.bytes.size());
  }
  const Shown open({.segments = {Out("F", "a") + Out("P", "b") + "garbage\n"}});
  EXPECT_EQ(open.decoded.corrupt_lines, 0u);  // behind what is consumed
}

TEST(DecodeCri, LimitCutsBeforeThePartThatDoesNotFit) {
  const std::string ab = Out("P", "aaa") + Out("P", "bbb");
  const Shown whole({.segments = {ab + Out("F", "c")}, .record_bytes_max = 7});
  EXPECT_EQ(whole.text, "aaabbbc|");
  const Shown cut(
      {.segments = {ab + Out("P", "cc") + Out("F", "d") + Out("F", "e")}, .record_bytes_max = 7});
  EXPECT_EQ(cut.text, "~aaabbb ~ccd|e|");
  const Shown other(
      {.segments = {ab + Err("F", "x") + Out("F", "cc") + Err("F", "y")}, .record_bytes_max = 7});
  EXPECT_EQ(other.text, "x ~aaabbb ~cc|y|");

  const Shown ends({.segments = {ab + Out("P", "cc")}, .record_bytes_max = 7});
  EXPECT_EQ(ends.text, "~aaabbb ");
  EXPECT_EQ(ends.decoded.after, (Continuation{Continuation::Kind::kRecord, Stream::kStdout, ""}));
  EXPECT_EQ(ends.decoded.consumed.offset, ab.size());
  const Shown next(
      {.segments = {Err("F", "x") + Out("P", "cc") + Out("F", "d")}, .before = ends.decoded.after});
  EXPECT_EQ(next.text, "x ~ccd|");
}

// A container that prints such bytes is not a crash of the machine: its line is one from its
// beginning on.
TEST(DecodeCri, NulsWithinALineLeaveItWhole) {
  const std::string line =
      Out("F", "a" + std::string(2, '\0') + std::string(kTime) + " stdout F b");
  const Shown whole({.segments = {line}});
  EXPECT_EQ(whole.decoded.records.size(), 1u);
  const Shown begun({.segments = {line.substr(0, line.size() - 1)}});
  EXPECT_EQ(begun.decoded.consumed.offset, 0u);
  EXPECT_EQ(begun.decoded.corrupt_bytes, 0u);
}

TEST(DecodeCri, LongLineIsEmittedInPieces) {
  const Shown pieces({.segments = {Out("F", "aaaabbbbcc") + Out("F", "d")}, .record_bytes_max = 4});
  EXPECT_EQ(pieces.text, "~aaaa ~bbbb ~cc|d|");
  const Shown exact({.segments = {Out("F", "aaaabbbb")}, .record_bytes_max = 4});
  EXPECT_EQ(exact.text, "~aaaa ~bbbb|");
  const Shown utf8({.segments = {Out("F", "aa\u00e9\u20acb")}, .record_bytes_max = 4});
  EXPECT_EQ(utf8.text, "~aa\u00e9 ~\u20acb|");
  const Shown split({.segments = {Out("F", "aaa\u20ac")}, .record_bytes_max = 4});
  EXPECT_EQ(split.text, "~aaa ~\u20ac|");
  const Shown tiny({.segments = {Out("F", "\u20ac")}, .record_bytes_max = 1});
  EXPECT_EQ(tiny.decoded.records.size(), 3u);  // it cannot be avoided

  std::string line = Out("F", "aaaabbbbcc");
  line.resize(line.size() - 1);  // its end is not there yet
  const Shown begun({.segments = {line}, .record_bytes_max = 4});
  EXPECT_EQ(begun.text, "~aaaa ~bbbb ");
  EXPECT_TRUE(begun.decoded.has_open);
  EXPECT_EQ(begun.decoded.after,
            (Continuation{Continuation::Kind::kMidLine, Stream::kStdout, kTime}));
  const Shown rest({.segments = {"cc\n" + Out("F", "d")},
                    .record_bytes_max = 4,
                    .offset = begun.decoded.consumed.offset,
                    .before = begun.decoded.after});
  EXPECT_EQ(rest.text, "~cc|d|");
  EXPECT_EQ(rest.decoded.records[0].time, kTime);
  const Shown more(
      {.segments = {"ccc"}, .record_bytes_max = 4, .offset = 70, .before = begun.decoded.after});
  EXPECT_EQ(more.text, "");
  EXPECT_EQ(more.decoded.after, begun.decoded.after);
  const Shown over({.segments = {"", Out("F", "d")}, .offset = 70, .before = begun.decoded.after});
  EXPECT_EQ(over.text, "d|");  // the segment ended exactly there
}

TEST(DecodeCri, FullChunkMakesProgress) {
  const Shown open(
      {.segments = {Out("P", "a") + Err("F", "b") + std::string(kTime)}, .full = true});
  EXPECT_EQ(open.text, "b ~a ");
  EXPECT_EQ(open.decoded.consumed.offset, (Out("P", "a") + Err("F", "b")).size());
  EXPECT_EQ(open.decoded.after, (Continuation{Continuation::Kind::kRecord, Stream::kStdout, ""}));
  const Shown both({.segments = {Out("P", "a") + Err("P", "b") + Out("P", "c")}, .full = true});
  EXPECT_EQ(both.text, "~b ~ac ");
  EXPECT_EQ(both.decoded.consumed.offset, 3 * Out("P", "a").size());
  std::string unfinished = Out("F", "bbbbb");
  unfinished.resize(unfinished.size() - 1);
  const Shown around(
      {.segments = {Err("P", "a") + unfinished}, .full = true, .record_bytes_max = 4});
  EXPECT_EQ(around.text, "~bbbb ~a ");  // there was progress: the rest waits for its end
  EXPECT_EQ(around.decoded.after,
            (Continuation{Continuation::Kind::kMidLine, Stream::kStdout, kTime}));
  const Shown no_need(
      {.segments = {Out("F", "a") + Out("P", "b")}, .full = true, .close_open = true});
  EXPECT_EQ(no_need.text, "a|");

  const Shown line({.segments = {std::string(kTime) + " stdout F ab\xe2\x82"}, .full = true});
  EXPECT_EQ(line.text, "~ab ");
  EXPECT_EQ(line.decoded.after.kind, Continuation::Kind::kMidLine);

  const Shown behind({.segments = {std::string(3, '\0') + kTime + " stdout F abcdef"},
                      .full = true,
                      .record_bytes_max = 4});
  EXPECT_EQ(behind.decoded.corrupt_bytes, 3u);
  EXPECT_EQ(behind.decoded.after.kind, Continuation::Kind::kMidLine);

  const Shown garbage({.segments = {"garbage without an end"}, .full = true});
  EXPECT_EQ(garbage.decoded.corrupt_lines, 1u);
  EXPECT_EQ(garbage.decoded.after.kind, Continuation::Kind::kSkip);
  const Shown more({.segments = {"and on"}, .offset = 22, .before = garbage.decoded.after});
  EXPECT_EQ(more.decoded.corrupt_bytes, 6u);
  EXPECT_EQ(more.decoded.corrupt_lines, 0u);
  EXPECT_EQ(more.decoded.after, garbage.decoded.after);
  const Shown end(
      {.segments = {"end\n" + Out("F", "a")}, .offset = 28, .before = garbage.decoded.after});
  EXPECT_EQ(end.text, "a|");
  EXPECT_EQ(end.decoded.corrupt_bytes, 4u);
}

TEST(DecodeCri, CloseOpenTakesWhatIsThere) {
  const Shown part({.segments = {Out("F", "z") + Out("P", "a")}, .close_open = true});
  EXPECT_EQ(part.text, "z|~a ");
  EXPECT_FALSE(part.decoded.has_open);
  const Shown line({.segments = {std::string(kTime) + " stdout F ab"}, .close_open = true});
  EXPECT_EQ(line.text, "~ab ");
  EXPECT_EQ(line.decoded.after,
            (Continuation{Continuation::Kind::kMidLine, Stream::kStdout, kTime}));
  EXPECT_FALSE(line.decoded.has_open);
  const Shown both(
      {.segments = {Out("P", "a") + std::string(kTime) + " stdout F b"}, .close_open = true});
  EXPECT_EQ(both.text, "~a ~b ");
  const Shown header({.segments = {std::string(kTime) + " stdout"}, .close_open = true});
  EXPECT_EQ(header.text, "");
  EXPECT_TRUE(header.decoded.has_open);
  EXPECT_EQ(header.decoded.consumed.offset, 0u);
  const Shown behind({.segments = {std::string(9, '\0') + kTime}, .close_open = true});
  EXPECT_EQ(behind.decoded.corrupt_bytes, 9u);
  EXPECT_EQ(behind.decoded.consumed.offset, 9u);
  EXPECT_EQ(behind.decoded.after.kind, Continuation::Kind::kNone);
  EXPECT_TRUE(behind.decoded.has_open);
  const Shown garbage({.segments = {"not a CRI line"}, .close_open = true});
  EXPECT_EQ(garbage.decoded.after.kind, Continuation::Kind::kSkip);
}

TEST(DecodeCri, JoinedBodiesDoNotMove) {
  std::string bytes;
  std::string want;
  for (int i = 0; i < 500; ++i) {
    const std::string body(i % 90, static_cast<char>('a' + i % 26));
    bytes += Out("P", body) + Out("F", ".");
    want += body + ".|";
  }
  EXPECT_EQ(Shown({.segments = {bytes}}).text, want);
}

}  // namespace
}  // namespace hinomi
