#include "config/name_parts.h"

#include <gtest/gtest.h>

#include <string>

namespace hinomi {
namespace {

TEST(NameParts, TakesANameApart) {
  const struct {
    const char *name, *want;  // words in <>, pieces one after another with | between
  } kCases[] = {
      {"", ""},
      {"logs", "logs"},
      {"logs-{namespace}", "logs-|<namespace>"},
      {"{a}{b}-c", "<a>|<b>|-c"},
      {"a{}b", "a|<>|b"},
      {"a{b", "a{b"},
      {"a}b{", "a}b{"},
      {"{a{b}", "<a{b>"},
  };
  for (const auto& [name, want] : kCases) {
    std::string got;
    for (const NamePart& part : NameParts(name)) {
      if (!got.empty()) got += '|';
      got += part.is_word ? "<" + std::string(part.text) + ">" : std::string(part.text);
    }
    EXPECT_EQ(got, want) << name;
  }
}

TEST(NameParts, KnowsWhatANameDependsOn) {
  EXPECT_FALSE(HasWords("logs-{x"));
  EXPECT_TRUE(HasWords("logs-{namespace}"));
  EXPECT_FALSE(IsDated("logs-{namespace}-year"));
  for (const char* name : {"a-{year}", "a-{month}", "a-{day}"}) EXPECT_TRUE(IsDated(name)) << name;
}

}  // namespace
}  // namespace hinomi
