#include "metadata/pod_wishes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hinomi {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(PodWishes, AreReadFromAnnotations) {
  const struct {
    std::string name, value;
    PodWishes want;
  } kCases[] = {
      {"hinomi.io/exclude", "true", {true, {}, {}}},
      {"hinomi.io/exclude", "false", {}},
      {"hinomi.io/weight", "1", {false, 1, {}}},
      {"hinomi.io/weight", "100", {false, 100, {}}},
      {"hinomi.io/limit", "1MiB", {false, {}, 1 << 20}},
      {"hinomi.io/limit", "1", {false, {}, 1}},
      {"hinomi", "true", {}},
      {"hinomi.iox/exclude", "true", {}},
      {"example.org/exclude", "true", {}},
  };
  for (const auto& test : kCases) {
    std::vector<std::string> problems;
    EXPECT_EQ(WishesOf({{test.name, test.value}}, &problems), test.want)
        << test.name << "=" << test.value;
    EXPECT_THAT(problems, IsEmpty()) << test.name;
  }
}

TEST(PodWishes, ThatMakeNoSenseAreSaidAndIgnored) {
  std::vector<std::string> problems;
  const PodWishes wishes = WishesOf({{"a", "b"},
                                     {"hinomi.io/exclude", "yes"},
                                     {"hinomi.io/limit", "0"},
                                     {"hinomi.io/speed", "7"},
                                     {"hinomi.io/weight", "101"},
                                     {"z", ""}},
                                    &problems);
  EXPECT_EQ(wishes, PodWishes());
  EXPECT_THAT(
      problems,
      ElementsAre(
          "hinomi.io/exclude: expected \"true\" or \"false\", got \"yes\"",
          "hinomi.io/limit: expected a size per second such as 1MiB, got \"0\"",
          "hinomi.io/speed: expected no such annotation, only exclude, weight and limit, got \"7\"",
          "hinomi.io/weight: expected a whole number from 1 to 100, got \"101\""));
  for (const char* text : {"0", "", "-1", "1.5", "99999999999999999999", " 1"}) {
    EXPECT_EQ(WishesOf({{"hinomi.io/weight", text}}), PodWishes()) << text;
  }
}

}  // namespace
}  // namespace hinomi
