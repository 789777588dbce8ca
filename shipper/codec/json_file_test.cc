#include "shipper/codec/json_file.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shipper/codec/decoded_text.h"

namespace hinomi {
namespace {

constexpr const char* kTime = "2026-11-21T01:02:03.123456789Z";

std::string Line(const std::string& log, const std::string& stream = "stdout") {
  return R"({"log":")" + log + R"(","stream":")" + stream + R"(","time":")" + kTime + "\"}\n";
}
std::string Out(const std::string& log) { return Line(log); }
std::string Err(const std::string& log) { return Line(log, "stderr"); }

struct Shown : DecodedText {
  explicit Shown(DecodedTextInput in) : DecodedText(LogFormat::kJsonFile, std::move(in)) {}
};

TEST(DecodeJsonFile, WholeLinesAndParts) {
  struct Case {
    std::vector<std::string> segments;
    std::string want;
    bool open;
  };
  const std::vector<Case> cases = {
      {{""}, "", false},
      {{Out("a\\n") + Err("b\\n")}, "a|b|", false},
      {{Out("\\n")}, "|", false},
      {{Out(" a\\r\\n")}, " a\r|", false},
      {{Out("a\\n\\n")}, "a\n|", false},
      {{Out("a\\nb") + Out("c\\n")}, "a\nbc|", false},
      {{Out("a") + Out("b") + Out("c\\n") + Out("d\\n")}, "abc|d|", false},
      {{Out("a")}, "", true},
      {{Out("a\\\\n")}, "", true},  // a backslash and an n are no line feed
      {{Out("z\\n") + Out("a") + Err("b\\n")}, "z|", true},
      {{Out("a") + Err("b\\n") + Out("c\\n")}, "b ac|", false},
      {{Out("a") + Err("b") + Out("c\\n") + Err("d\\n")}, "ac bd|", false},
      {{Out("\\u00e9\\\"") + Out("\\t\\n")}, "\u00e9\"\t|", false},
      {{Out("a"), Out("b\\n")}, "ab|", false},
      {{Out("a"), "", Out("b"), Out("c\\n") + Out("d\\n")}, "abc|d|", false},
      {{Out("a\\n") + Out("b\\n").substr(0, 30)}, "a|", true},
      {{Out("a\\n") + Out("b\\n").substr(0, Out("b\\n").size() - 1)}, "a|", true},
      {{Out("a\\n").substr(0, Out("a\\n").size() - 1), Out("b\\n")}, "a|b|", false},
      {{R"({"log":"a\n","stream":"stdout","attrs":{"x":"{\"}","time":"no"},"time":")" +
        std::string(kTime) + "\"}\n"},
       "a|",
       false},
      {{R"({"time":")" + std::string(kTime) +
        R"(","n":[1,{"y":null}],"stream":"stderr","log":"a\n"})" + "\n"},
       "a|",
       false},
  };
  for (const Case& c : cases) {
    const Shown shown({.segments = c.segments});
    EXPECT_EQ(shown.text, c.want);
    EXPECT_EQ(shown.decoded.has_open, c.open) << c.want;
    EXPECT_EQ(shown.decoded.corrupt_lines, 0u) << c.want;
    EXPECT_EQ(shown.decoded.after, Continuation{});
  }
}

TEST(DecodeJsonFile, Escapes) {
  struct Case {
    std::string written;
    std::string want;
  };
  const std::vector<Case> cases = {
      {R"(\"\\\/\b\f\n\r\t)", "\"\\/\b\f\n\r\t"},
      {R"(\u003cb\u003E \u0026)", "<b> &"},
      {R"(\u0000\u001f\u007f)", std::string("\0\x1f\x7f", 3)},
      {R"(\u00e9\u20ac\ufffd\u2028)", "\u00e9\u20ac\ufffd\u2028"},
      {R"(\ud83d\udd25)", "\xf0\x9f\x94\xa5"},
      {R"(\ud83d)", "\ufffd"},
      {R"(\udd25\ud83dx)", "\ufffd\ufffdx"},
      {R"(\ud83d\u0041)",
       "\ufffd"
       "A"},
      {"caf\u00e9 \xff \x7f", "caf\u00e9 \xff \x7f"},
      {"12345678\\\"12345678\\\\", "12345678\"12345678\\"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Shown({.segments = {Out(c.written + "\\n")}}).text, c.want + "|") << c.written;
    const Shown joined({.segments = {Out(c.written) + Out(c.written + "\\n")}});
    EXPECT_EQ(joined.text, c.want + c.want + "|") << c.written;
  }
}

TEST(DecodeJsonFile, Fields) {
  const Shown shown({.segments = {Out("zero\\n") + Err("a"), Err("b\\n")}, .offset = 500});
  ASSERT_EQ(shown.decoded.records.size(), 2u);
  const Record& first = shown.decoded.records[0];
  EXPECT_EQ(first.time, kTime);
  EXPECT_EQ(first.stream, Stream::kStdout);
  EXPECT_EQ(first.begin, (Position{0, 500}));
  EXPECT_EQ(first.end, (Position{0, 500 + Out("zero\\n").size()}));
  EXPECT_EQ(first.content, Hash128Of(Out("zero\\n")));
  const Record& second = shown.decoded.records[1];
  EXPECT_EQ(second.stream, Stream::kStderr);
  EXPECT_EQ(second.begin, first.end);
  EXPECT_EQ(second.end, (Position{1, Err("b\\n").size()}));
  EXPECT_EQ(second.segment_key, 1000u);
  EXPECT_EQ(shown.decoded.consumed, second.end);
}

TEST(DecodeJsonFile, CorruptLines) {
  const std::string tail = std::string(R"(,"time":")") + kTime + "\"}\n";
  const std::string nuls(3, '\0');
  struct Case {
    std::string bytes;
    std::string want;
    uint64_t lines;
  };
  const std::vector<Case> cases = {
      {"\n", "", 1},
      {"{}\n{\n}\n", "", 3},
      {"garbage\n" + Out("a\\n") + "\n\nmore\n", "a|", 4},
      {Out("a") + "garbage\n" + Out("b\\n"), "ab|", 1},
      {R"({"log":"a\n","stream":"stdout"})"
       "\n",
       "", 1},
      {R"({"stream":"stdout")" + tail, "", 1},
      {R"({"log":"a\n")" + tail, "", 1},
      {R"({"log":"a\n","stream":"stdin")" + tail, "", 1},
      {R"({"log":"a\n","stream":"stdoutx")" + tail, "", 1},
      {R"({"log":"a\x","stream":"stdout")" + tail, "", 1},
      {R"({"log":"a\u12g4","stream":"stdout")" + tail, "", 1},
      {R"({"log":"a\u12)" + tail, "", 1},
      {"{\"log\":\"a\x01\",\"stream\":\"stdout\"" + tail, "", 1},
      {R"({"log":1,"stream":"stdout")" + tail, "", 1},
      {R"({"log":"a","stream":"stdout",)" + tail, "", 1},
      {R"({"log":"a\n","stream":"stdout","time":"yesterday"})"
       "\n",
       "", 1},
      {R"({"log":"a\n","stream":"stdout","attrs":{"x":1)" + tail, "", 1},
      // What a crash of the machine leaves: a torn line and NUL bytes, and docker goes on behind.
      {nuls + "\n" + Out("a\\n"), "a|", 1},
      {nuls + Out("a\\n") + Out("b\\n"), "a|b|", 1},
      {Out("a\\n") + Out("torn").substr(0, 20) + nuls + Out("b\\n"), "a|b|", 1},
      {Out("a") + nuls + Out("b\\n"), "ab|", 1},
      {Out("a") + Out("torn").substr(0, 20) + nuls + Out("b") + Out("c\\n"), "abc|", 1},
  };
  for (const Case& c : cases) {
    const Shown shown({.segments = {c.bytes}});
    EXPECT_EQ(shown.text, c.want) << c.bytes;
    EXPECT_EQ(shown.decoded.corrupt_lines, c.lines) << c.bytes;
    EXPECT_EQ(shown.decoded.consumed.offset, c.bytes.size()) << c.bytes;
  }
}

TEST(DecodeJsonFile, LimitCutsBeforeThePartThatDoesNotFit) {
  const std::string ab = Out("aaa") + Out("\\u00e9b");
  const Shown whole({.segments = {ab + Out("c\\n")}, .record_bytes_max = 7});
  EXPECT_EQ(whole.text, "aaa\u00e9bc|");
  const Shown cut(
      {.segments = {ab + Out("cc") + Out("d\\n") + Out("e\\n")}, .record_bytes_max = 7});
  EXPECT_EQ(cut.text, "~aaa\u00e9b ~ccd|e|");
  const Shown ends({.segments = {ab + Out("cc")}, .record_bytes_max = 7});
  EXPECT_EQ(ends.text, "~aaa\u00e9b ");
  EXPECT_EQ(ends.decoded.after, (Continuation{Continuation::Kind::kRecord, Stream::kStdout, ""}));
  const Shown next(
      {.segments = {Err("x\\n") + Out("cc") + Out("d\\n")}, .before = ends.decoded.after});
  EXPECT_EQ(next.text, "x ~ccd|");
}

TEST(DecodeJsonFile, LongLineIsEmittedInPieces) {
  struct Case {
    std::string written;
    std::string want;
  };
  const std::vector<Case> cases = {
      {"aaaabbbbcc\\n", "~aaaa ~bbbb ~cc|d|"},
      {"aaaabbbb\\n", "~aaaa ~bbbb|d|"},
      {"aaaabbbbcc", "~aaaa ~bbbb ~cc|d|"},  // that it goes on is ignored
      {"aa\u00e9\u20acb\\n", "~aa\u00e9 ~\u20acb|d|"},
      {"aaa\\u20acb\\n", "~aaa ~\u20acb|d|"},
      {"a\\ud83d\\udd25b\\n", "~a ~\xf0\x9f\x94\xa5 ~b|d|"},
      {"aaa\\\\\\\"bb\\\\n\\n", "~aaa\\ ~\"bb\\ ~n|d|"},
      {"aaa\xf0\\\"\xf0\xf0\\n", "~aaa\xf0 ~\"\xf0\xf0|d|"},
  };
  for (const Case& c : cases) {
    const Shown shown({.segments = {Out(c.written) + Out("d\\n")}, .record_bytes_max = 4});
    EXPECT_EQ(shown.text, c.want) << c.written;
    EXPECT_EQ(shown.decoded.after, Continuation{});
  }
}

TEST(DecodeJsonFile, FullChunkMakesProgress) {
  const Shown open({.segments = {Out("a") + Err("b\\n") + "{\"log\""}, .full = true});
  EXPECT_EQ(open.text, "b ~a ");
  EXPECT_EQ(open.decoded.consumed.offset, (Out("a") + Err("b\\n")).size());

  const Shown line({.segments = {"{\"log\":\"endless"}, .full = true});
  EXPECT_EQ(line.decoded.corrupt_lines, 1u);
  EXPECT_EQ(line.decoded.after.kind, Continuation::Kind::kSkip);
  const Shown end(
      {.segments = {"end\n" + Out("a\\n")}, .offset = 15, .before = line.decoded.after});
  EXPECT_EQ(end.text, "a|");
  EXPECT_EQ(end.decoded.corrupt_bytes, 4u);

  const Shown nuls({.segments = {std::string(100, '\0')}, .full = true});
  EXPECT_EQ(nuls.decoded.corrupt_bytes, 100u);
  EXPECT_EQ(nuls.decoded.after, Continuation{});
}

TEST(DecodeJsonFile, CloseOpenTakesWhatIsThere) {
  const Shown part({.segments = {Out("z\\n") + Out("a")}, .close_open = true});
  EXPECT_EQ(part.text, "z|~a ");
  EXPECT_FALSE(part.decoded.has_open);
  const std::string whole = Out("a\\n").substr(0, Out("a\\n").size() - 1);
  for (const std::string& line : {whole, whole.substr(0, 9), whole.substr(0, 1)}) {
    const Shown waiting({.segments = {line}, .close_open = true});
    EXPECT_TRUE(waiting.decoded.has_open) << line;
    EXPECT_EQ(waiting.decoded.consumed.offset, 0u) << line;
  }
  const Shown garbage({.segments = {"no JSON"}, .close_open = true});
  EXPECT_EQ(garbage.decoded.after.kind, Continuation::Kind::kSkip);
  const Shown torn({.segments = {"{\"log\":\"a" + std::string(9, '\0')}, .close_open = true});
  EXPECT_EQ(torn.decoded.corrupt_lines, 1u);
  EXPECT_FALSE(torn.decoded.has_open);
  EXPECT_EQ(torn.decoded.after, Continuation{});
}

TEST(DecodeJsonFile, AContinuationOfAnotherFormatIsSkipped) {
  const Continuation before{Continuation::Kind::kMidLine, Stream::kStdout, kTime};
  const Shown rest({.segments = {"rest\n" + Out("a\\n")}, .offset = 70, .before = before});
  EXPECT_EQ(rest.text, "a|");
  EXPECT_EQ(rest.decoded.corrupt_bytes, 5u);
}

TEST(DecodeJsonFile, DecodedBodiesDoNotMove) {
  std::string bytes;
  std::string want;
  for (int i = 0; i < 500; ++i) {
    const std::string body(i % 90, static_cast<char>('a' + i % 26));
    bytes += Out(body + "\\t") + Out(".\\n") + Err("\\\"" + body + "\\n");
    want += body + "\t.|\"" + body + "|";
  }
  EXPECT_EQ(Shown({.segments = {bytes}}).text, want);
}

}  // namespace
}  // namespace hinomi
