#include "config/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace hinomi {
namespace {

TEST(Glob, Matches) {
  const struct {
    const char* pattern;
    const char* text;
    bool want;
  } kCases[] = {
      {"", "", true},
      {"", "prod", true},
      {"*", "", true},
      {"*", "prod", true},
      {"prod", "prod", true},
      {"prod", "prod-a", false},
      {"prod", "pro", false},
      {"prod-*", "prod-a", true},
      {"prod-*", "prod-", true},
      {"prod-*", "prod", false},
      {"*-db", "my-db", true},
      {"*-db", "my-db-0", false},
      {"?", "", false},
      {"?", "a", true},
      {"?", "ab", false},
      {"a?c", "abc", true},
      {"*a*b*c*", "xxaxxbxxc", true},
      {"*a*b*c*", "xxaxxcxxb", false},
      {"a*bab", "ababab", true},
      {"a**b", "ab", true},
      {"*?", "a", true},
      {"*?", "", false},
      {"[a]", "a", false},
      {"a.c", "abc", false},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(GlobMatches(test.pattern, test.text), test.want) << test.pattern << " " << test.text;
  }
}

TEST(Glob, TakesNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  EXPECT_FALSE(GlobMatches(pattern + "b", std::string(5000, 'a')));
}

TEST(Glob, KnowsWhatCannotOverlap) {
  const struct {
    const char* one;
    const char* other;
    bool want;
  } kCases[] = {
      {"", "prod", true},         {"*", "prod-*", true},       {"prod", "prod", true},
      {"prod", "test", false},    {"prod-*", "test-*", false}, {"prod-*", "prod-a*", true},
      {"prod-*", "prod-a", true}, {"prod-*", "test", false},   {"*-db", "*-web", false},
      {"*-db", "my-*", true},     {"?rod", "test", false},     {"?rod", "?est", false},
      {"a*", "?b", true},         {"prod-?", "prod", false},   {"prod-*", "pro", false},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(GlobsMayOverlap(test.one, test.other), test.want) << test.one << " " << test.other;
    EXPECT_EQ(GlobsMayOverlap(test.other, test.one), test.want) << test.other << " " << test.one;
  }
}

TEST(Glob, AllPatternsOfAMatchCount) {
  auto matches = [](const LogMatch& match) { return Matches(match, "prod-a", "web-0", "app"); };
  EXPECT_TRUE(matches({}));
  EXPECT_TRUE(matches({"prod-*", "web-?", "app"}));
  EXPECT_FALSE(matches({"test-*", "", ""}));
  EXPECT_FALSE(matches({"", "db-*", ""}));
  EXPECT_FALSE(matches({"", "", "proxy"}));
}

}  // namespace
}  // namespace hinomi
