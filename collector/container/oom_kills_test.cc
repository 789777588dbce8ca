#include "collector/container/oom_kills.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"

namespace hinomi {
namespace {

const OomKills::Who kMain = {"shop", "web-0", "main"};

class OomKillsTest : public testing::Test {
 protected:
  OomKills Make() { return {directory_ / "oom_kills", files_, clock_, metrics_}; }

  const TemporaryDirectory directory_;
  PosixFileSystem files_;
  ManualClock clock_;
  Metrics metrics_;
};

TEST_F(OomKillsTest, AddsUpOverTheRunsOfAContainer) {
  OomKills kills = Make();
  EXPECT_EQ(kills.Observe(kMain, "run1", 0), 0U);
  EXPECT_EQ(kills.Observe(kMain, "run1", 2), 2U);
  EXPECT_EQ(kills.Observe(kMain, "run1", 2), 2U);
  EXPECT_EQ(kills.Observe(kMain, "run2", 0), 2U);
  EXPECT_EQ(kills.Observe(kMain, "run2", 1), 3U);
  EXPECT_EQ(kills.Observe({"shop", "web-1", "main"}, "run3", 0), 0U);
}

TEST_F(OomKillsTest, SurvivesTheAgent) {
  EXPECT_EQ(Make().Observe(kMain, "run1", 2), 2U);
  OomKills kills = Make();
  EXPECT_EQ(kills.Observe(kMain, "run1", 2), 2U) << "not counted again";
  EXPECT_EQ(kills.Observe(kMain, "run1", 3), 3U);
  EXPECT_EQ(kills.Observe(kMain, "run2", 1), 4U);
}

TEST_F(OomKillsTest, ARunThatWasNotReadInTimeCountsByTheRuntimesReason) {
  OomKills kills = Make();
  kills.Exited(kMain, "run1", "OOMKilled");
  EXPECT_EQ(kills.Observe(kMain, "run2", 0), 1U);
  kills.Exited(kMain, "run1", "OOMKilled");
  kills.Exited(kMain, "run2", "Error");
  EXPECT_EQ(kills.Observe(kMain, "run3", 1), 2U);
  kills.Exited(kMain, "run3", "OOMKilled");
  EXPECT_EQ(kills.Observe(kMain, "run4", 0), 2U) << "the cgroup has told already";
}

TEST_F(OomKillsTest, LeavesOutWhatIsDamaged) {
  directory_.Append("oom_kills", "shop web-0 main 2 run1 2\nshop web-1 main x\n\n\x01\xFF a b 7\n");
  OomKills kills = Make();
  EXPECT_EQ(kills.Observe(kMain, "run1", 2), 2U);
  EXPECT_EQ(kills.Observe({"shop", "web-1", "main"}, "run1", 0), 0U);
}

TEST_F(OomKillsTest, KeepsTheLastRunsOnly) {
  OomKills kills = Make();
  for (int run = 0; run < 1000; ++run) kills.Observe(kMain, "run" + std::to_string(run), 1);
  EXPECT_EQ(kills.Observe(kMain, "run999", 1), 1000U);
  EXPECT_LT(files_.ReadWhole(directory_ / "oom_kills", 1 << 20)->size(), 500U);
}

TEST_F(OomKillsTest, KeepsNoMoreContainersThanItMay) {
  std::string text;
  for (size_t i = 0; i < OomKills::kContainersMax; ++i) {
    text += "shop pod" + std::to_string(i) + " main 1\n";
  }
  directory_.Append("oom_kills", text);
  OomKills kills = Make();
  for (int i = 0; i < 3; ++i) kills.Observe({"new", "pod" + std::to_string(i), "main"}, "run", 1);
  const std::string kept = *files_.ReadWhole(directory_ / "oom_kills", 8 << 20);
  EXPECT_EQ(static_cast<size_t>(std::count(kept.begin(), kept.end(), '\n')),
            OomKills::kContainersMax);
}

TEST_F(OomKillsTest, NamesThatWouldBreakTheFileAreNotKept) {
  OomKills kills = Make();
  EXPECT_EQ(kills.Observe({"a b", "c", "d"}, "run1", 5), 5U);
  EXPECT_FALSE(files_.Exists(directory_ / "oom_kills"));
}

TEST_F(OomKillsTest, GoesOnWhereItCannotWrite) {
  OomKills kills("/proc/nothing/oom_kills", files_, clock_, metrics_);
  EXPECT_EQ(kills.Observe(kMain, "run1", 1), 1U);
  EXPECT_NE(metrics_.Expose().find("hinomi_oom_kills_write_errors_total 1"), std::string::npos);
}

}  // namespace
}  // namespace hinomi
