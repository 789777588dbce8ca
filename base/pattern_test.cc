#include "base/pattern.h"

#include <gmock/gmock.h>

#include <string>

namespace hinomi {
namespace {

TEST(Pattern, Matches) {
  struct Case {
    const char* expression;
    std::string text;
    bool want;
  };
  const Case cases[] = {
      {"", "", true},
      {"b", "abc", true},
      {"^b", "abc", false},
      {"^\\d{4}-", "2026-11-21 x", true},
      {"^$", "", true},
      {"c$", "ab\nc", true},
      {"^c", "ab\nc", false},
      {"(?i)ERROR", "an Error", true},
      {"a.c", "a\u00e9c", true},
      {"a.c", "a\xff\x63", false},
      {"b", std::string(Pattern::kTextBytesMax - 1, 'a') + "b", true},
      {"b", std::string(Pattern::kTextBytesMax, 'a') + "b", false},
  };
  for (const Case& c : cases) {
    const Result<Pattern> pattern = Pattern::Compile(c.expression);
    ASSERT_TRUE(pattern.ok()) << c.expression;
    EXPECT_EQ(pattern->Matches(c.text), c.want) << c.expression << " in " << c.text;
  }
}

TEST(Pattern, TellsWhatItsGroupsMatch) {
  const Result<Pattern> pattern = Pattern::Compile("^(?P<branch>.+)-(?P<commit>[0-9a-f]{7,40})$");
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->HasGroup("branch"));
  EXPECT_FALSE(pattern->HasGroup("tag"));
  EXPECT_EQ(pattern->Group("branch", "feature-a-fc598063"), "feature-a");
  EXPECT_EQ(pattern->Group("commit", "feature-a-fc598063"), "fc598063");
  EXPECT_EQ(pattern->Group("commit", "latest"), "");
  EXPECT_EQ(pattern->Group("tag", "feature-a-fc598063"), "");
}

TEST(Pattern, SaysWhatIsWrongWithAnExpression) {
  const Result<Pattern> open = Pattern::Compile("a(b");
  ASSERT_FALSE(open.ok());
  EXPECT_EQ(open.error().kind, ErrorKind::kConfig);
  EXPECT_EQ(open.error().message, "cannot compile \"a(b\": missing ): a(b; the syntax is RE2's");
  const Result<Pattern> large = Pattern::Compile("((((a{100}){100}){100}){100})");
  ASSERT_FALSE(large.ok());
  EXPECT_THAT(large.error().message, ::testing::HasSubstr("invalid repetition"));
  EXPECT_FALSE(Pattern::Compile("(\\pL{500}|\\pN{500}){2}").ok()) << "too large";
  EXPECT_FALSE(Pattern::Compile("(a)\\1").ok());
}

}  // namespace
}  // namespace hinomi
