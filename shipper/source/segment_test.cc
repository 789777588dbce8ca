#include "shipper/source/segment.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

constexpr char kTime[] = "2026-11-21T01:02:03.123456789Z";

std::string JsonLine(const std::string& log) {
  return R"({"log":")" + log + R"(","stream":"stdout","attrs":{"time":"x"},"time":")" + kTime +
         "\"}\n";
}

TEST(LeadingTime, Table) {
  struct Case {
    std::string head;
    LogFormat format;
    std::string want;
  };
  const std::string cri = std::string(kTime) + " stdout F x\n";
  const std::vector<Case> cases = {
      {cri, LogFormat::kCri, kTime},
      {cri.substr(0, 31), LogFormat::kCri, kTime},
      {cri.substr(0, 30), LogFormat::kCri, ""},
      {"no time at all, as it seems\n", LogFormat::kCri, ""},
      {JsonLine("a"), LogFormat::kCri, ""},
      {JsonLine("a\\n") + JsonLine("b"), LogFormat::kJsonFile, kTime},
      {JsonLine(R"(\"time\":\"no\")"), LogFormat::kJsonFile, kTime},
      {JsonLine("a").substr(0, JsonLine("a").size() - 1), LogFormat::kJsonFile, ""},
      {cri, LogFormat::kJsonFile, ""},
      {"{\"time\":\"never\"}\n", LogFormat::kJsonFile, ""},
      {"", LogFormat::kJsonFile, ""},
      {std::string(50, '\0') + "\n", LogFormat::kJsonFile, ""},
  };
  for (const Case& c : cases) EXPECT_EQ(LeadingTime(c.head, c.format), c.want) << c.head;
}

TEST(ReadHead, ReadsOnUntilTheFirstLineHasItsTime) {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  const std::string rest(5000, 'x');
  struct Case {
    std::string content;
    LogFormat format;
    size_t want;
  };
  const std::vector<Case> cases = {
      {"", LogFormat::kJsonFile, 0},
      {"abc", LogFormat::kJsonFile, 3},
      {JsonLine("a") + rest, LogFormat::kJsonFile, Fingerprint::kBytesMax},
      {rest, LogFormat::kCri, Fingerprint::kBytesMax},
      {JsonLine(std::string(16 << 10, 'y')), LogFormat::kJsonFile,
       JsonLine(std::string(16 << 10, 'y')).size()},
      {std::string(1 << 20, 'z'), LogFormat::kJsonFile, 128 << 10},
  };
  int number = 0;
  for (const Case& c : cases) {
    const std::string name = std::to_string(++number);
    directory.Append(name, c.content);
    const Result<std::unique_ptr<File>> file = files.Open(directory.path(), name);
    ASSERT_TRUE(file.ok());
    const Result<std::string> head = ReadHead(**file, c.format);
    ASSERT_TRUE(head.ok());
    EXPECT_EQ(*head, c.content.substr(0, c.want)) << number;
  }
}

TEST(MatchAndExtend, Table) {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  struct Case {
    std::string content;
    std::string known;
    bool same;
    std::string then;
  };
  const std::string longest(Fingerprint::kBytesMax, 'x');
  const std::vector<Case> cases = {
      {"abc", "", true, ""},
      {"abc", "ab", true, "abc"},
      {"abc", "abc", true, "abc"},
      {"abd", "abc", false, "abc"},
      {"ab", "abc", false, "abc"},
      {"", "abc", false, "abc"},
      {longest + "y", "x", true, longest},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto print_of = [](const std::string& text) {
      return Fingerprint{static_cast<uint32_t>(text.size()), text.empty() ? 0 : Hash64Of(text)};
    };
    directory.Append(std::to_string(i), cases[i].content);
    const Result<std::unique_ptr<File>> file = files.Open(directory.path(), std::to_string(i));
    ASSERT_TRUE(file.ok());
    Fingerprint print = print_of(cases[i].known);
    const Result<bool> same = MatchAndExtend(**file, &print);
    ASSERT_TRUE(same.ok());
    EXPECT_EQ(*same, cases[i].same) << i;
    EXPECT_EQ(print.bytes, print_of(cases[i].then).bytes) << i;
    EXPECT_EQ(print.hash, print_of(cases[i].then).hash) << i;
  }
}

}  // namespace
}  // namespace hinomi
