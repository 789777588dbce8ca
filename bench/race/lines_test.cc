#include "bench/race/lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hinomi::race {
namespace {

constexpr uint64_t kMicroseconds = 1'763'710'000'123'456;

std::string BodyOf(Kind kind, uint64_t seed, uint64_t pod, uint64_t sequence) {
  std::string body;
  AppendBody(kind, seed, {pod, sequence, kMicroseconds}, &body);
  return body;
}

TEST(Lines, HaveTheMeanLengthAndTheirMark) {
  for (const Kind kind : {Kind::kJson, Kind::kPlain, Kind::kMixed}) {
    for (const uint64_t first : {0, 9'990'000}) {
      double bytes = 0;
      for (uint64_t sequence = first; sequence < first + 10'000; ++sequence) {
        const std::string body = BodyOf(kind, 1, 4999, sequence);
        bytes += static_cast<double>(body.size());
        ASSERT_EQ(FindMark(body), (Mark{4999, sequence, kMicroseconds})) << body;
        ASSERT_EQ(body.find('\n'), std::string::npos);
      }
      EXPECT_NEAR(bytes / 10'000, kBodyBytesMean, 1);
    }
  }
}

TEST(Lines, AreOfTheirKind) {
  int json = 0;
  for (uint64_t sequence = 0; sequence < 1000; ++sequence) {
    EXPECT_THAT(BodyOf(Kind::kJson, 1, 0, sequence), testing::StartsWith("{\"id\":\"~race:0:"));
    EXPECT_THAT(BodyOf(Kind::kJson, 1, 0, sequence), testing::EndsWith("\"}"));
    EXPECT_THAT(BodyOf(Kind::kPlain, 1, 0, sequence), testing::StartsWith("~race:0:"));
    json += BodyOf(Kind::kMixed, 1, 0, sequence)[0] == '{' ? 1 : 0;
  }
  EXPECT_NEAR(json, 500, 60);
}

TEST(Lines, FollowFromTheSeed) {
  EXPECT_EQ(BodyOf(Kind::kJson, 1, 2, 3), BodyOf(Kind::kJson, 1, 2, 3));
  EXPECT_NE(BodyOf(Kind::kJson, 1, 2, 3), BodyOf(Kind::kJson, 2, 2, 3));
  EXPECT_NE(BodyOf(Kind::kJson, 1, 2, 3), BodyOf(Kind::kJson, 1, 2, 4));
}

TEST(Lines, HaveTheContainerRuntimesPrefix) {
  LineWriter writer(Kind::kPlain, 1);
  const auto line = [&](uint64_t sequence, uint64_t nanoseconds) {
    std::string text;
    writer.Append(0, sequence, nanoseconds, &text);
    return text;
  };
  EXPECT_THAT(line(0, 1'763'710'000'123'456'789),
              testing::StartsWith("2025-11-21T07:26:40.123456789Z stdout F ~race:0:0:176371000012"
                                  "3456 "));
  EXPECT_THAT(line(7, 1'763'710'000'120'000'000),
              testing::StartsWith("2025-11-21T07:26:40.12Z stderr F "));
  EXPECT_THAT(line(1, 1'763'710'001'000'000'000),
              testing::StartsWith("2025-11-21T07:26:41Z stdout F "));
  EXPECT_THAT(line(1, 1), testing::EndsWith(" ~ecar:0:1\n"));
}

}  // namespace
}  // namespace hinomi::race
