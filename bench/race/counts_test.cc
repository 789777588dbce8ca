#include "bench/race/counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace hinomi::race {
namespace {

std::string LineOf(uint64_t pod, uint64_t sequence, uint64_t written_microseconds = 1) {
  const Mark mark{pod, sequence, written_microseconds};
  std::string line;
  AppendHead(mark, &line);
  line += " text ";
  AppendTail(mark, &line);
  return line;
}

TEST(Counts, LostDuplicatedAndBrokenAreThreeNumbers) {
  struct Case {
    const char* what;
    std::vector<std::string> documents;
    uint64_t distinct, lost, duplicated, broken;
  };
  const Case cases[] = {
      {"all", {LineOf(0, 0), LineOf(0, 1), LineOf(2, 0)}, 3, 0, 0, 0},
      {"nothing", {}, 0, 3, 0, 0},
      {"a gap", {LineOf(0, 1), LineOf(2, 0)}, 2, 1, 0, 0},
      {"the last", {LineOf(0, 0), LineOf(2, 0)}, 2, 1, 0, 0},
      {"a pod", {LineOf(0, 0), LineOf(0, 1)}, 2, 1, 0, 0},
      {"twice", {LineOf(0, 0), LineOf(0, 1), LineOf(2, 0), LineOf(0, 0)}, 3, 0, 1, 0},
      {"cut", {LineOf(0, 0), LineOf(0, 1), LineOf(2, 0).substr(0, 12)}, 2, 1, 0, 1},
      {"glued", {LineOf(0, 0) + LineOf(0, 1), LineOf(2, 0)}, 1, 2, 0, 1},
      {"foreign", {LineOf(0, 0), LineOf(0, 1), LineOf(2, 0), "started"}, 3, 0, 0, 1},
  };
  for (const Case& c : cases) {
    Counts counts;
    ASSERT_TRUE(counts.SetWritten("0 2 600\n2 1 300\n"));
    for (const std::string& document : c.documents) counts.AddDocument(document, "", 5);
    EXPECT_EQ(counts.distinct(), c.distinct) << c.what;
    EXPECT_EQ(counts.lost(), c.lost) << c.what;
    EXPECT_EQ(counts.duplicated(), c.duplicated) << c.what;
    EXPECT_EQ(counts.broken(), c.broken) << c.what;
  }
}

TEST(Counts, WhatComesAgainUnderItsIdIsNotDoubled) {
  Counts counts;
  EXPECT_TRUE(counts.AddDocument(LineOf(0, 0), "a", 5));
  EXPECT_FALSE(counts.AddDocument(LineOf(0, 0), "a", 5));
  EXPECT_TRUE(counts.AddDocument(LineOf(0, 0), "b", 5));
  EXPECT_TRUE(counts.AddDocument(LineOf(0, 1), "", 5));
  EXPECT_TRUE(counts.AddDocument(LineOf(0, 1), "", 5));
  EXPECT_EQ(counts.distinct(), 2U);
  EXPECT_EQ(counts.repeated(), 1U);
  EXPECT_EQ(counts.duplicated(), 2U);
}

TEST(Counts, WithoutASummaryOnlyGapsAreMissed) {
  Counts counts;
  counts.AddDocument(LineOf(3, 4), "", 5);
  EXPECT_EQ(counts.lost(), 4U);
}

TEST(Counts, TakesOnlyASummary) {
  for (const char* bad : {"x", "1", "1 x", "\n", "100000 1 1", "1 2 3\nx"}) {
    EXPECT_FALSE(Counts().SetWritten(bad)) << bad;
  }
  EXPECT_TRUE(Counts().SetWritten(""));
  EXPECT_TRUE(Counts().SetWritten("1 2 3"));
}

TEST(Counts, TellLatenciesWithinSixPercent) {
  for (const uint64_t microseconds : {1UL, 15UL, 16UL, 17UL, 1000UL, 123'456UL, 60'000'000UL}) {
    Counts counts;
    for (uint64_t i = 0; i < 98; ++i)
      counts.AddDocument(LineOf(0, i, 1000), "", 1000 + microseconds);
    for (uint64_t i = 98; i < 100; ++i) {
      counts.AddDocument(LineOf(0, i, 1000), "", 1000 + 7 * microseconds);
    }
    const double milliseconds = static_cast<double>(microseconds) / 1000;
    EXPECT_NEAR(counts.LatencyMilliseconds(0.5), milliseconds, 0.0011 + milliseconds * 0.0625);
    EXPECT_NEAR(counts.LatencyMilliseconds(0.99), 7 * milliseconds,
                0.0011 + 7 * milliseconds * 0.0625);
  }
}

TEST(Counts, AreJson) {
  Counts counts;
  counts.AddRequest(70);
  counts.AddDocument(LineOf(0, 0, 2'000'000), "id", 3'500'000);
  EXPECT_THAT(counts.ToJson(),
              testing::StartsWith(R"({"requests":1,"documents":1,"distinct":1,"lost":0,)"
                                  R"("duplicated":0,"broken":0,"repeated":0,"wire_bytes":70,)"
                                  R"("last_arrival":3.500000,"p50_ms":1)"));
}

}  // namespace
}  // namespace hinomi::race
