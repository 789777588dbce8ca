#include "collector/node/mount_probe.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace hinomi {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// File systems of which some hang until they are let go.
class FileSystems {
 public:
  ~FileSystems() { LetGo(); }

  std::optional<FileSystemUsage> Ask(const std::string& path) {
    std::unique_lock lock(mutex_);
    ++asked_;
    changed_.wait(lock, [&] { return !hang_ || !path.starts_with("hung"); });
    if (path == "broken") return std::nullopt;
    return FileSystemUsage{static_cast<double>(path.size()), 0, 0, 0, 0};
  }
  void LetGo() {
    const std::lock_guard lock(mutex_);
    hang_ = false;
    changed_.notify_all();
  }
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hang_ = true;
  int asked_ = 0;
};

class MountProbeTest : public testing::Test {
 protected:
  ~MountProbeTest() override {
    systems_->LetGo();
    WaitForHelpers();
  }
  void WaitForHelpers() {
    while (probe_.helpers() > 0) std::this_thread::sleep_for(milliseconds(1));
  }

  const std::shared_ptr<FileSystems> systems_ = std::make_shared<FileSystems>();
  MountProbe probe_{[systems = systems_](const std::string& path) { return systems->Ask(path); }};
};

TEST_F(MountProbeTest, AsksAll) {
  const auto answers = probe_.Probe({{1, "a"}, {2, "broken"}, {3, "ccc"}}, seconds(30));
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers.at(1).size_bytes, 1);
  EXPECT_EQ(answers.at(3).size_bytes, 3);
}

TEST_F(MountProbeTest, WhatHangsDelaysNothingBehindItAndIsNotAskedAgain) {
  const std::vector<MountProbe::Question> questions = {{1, "hung"}, {2, "hung too"}, {3, "ccc"}};
  for (int i = 0; i < 20; ++i) {
    const auto begin = steady_clock::now();
    const auto answers = probe_.Probe(questions, milliseconds(300));
    EXPECT_LT(steady_clock::now() - begin, seconds(2));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_TRUE(answers.contains(3));
  }
  EXPECT_EQ(systems_->asked(), 20 + 2);
  systems_->LetGo();
  WaitForHelpers();
  EXPECT_EQ(probe_.Probe(questions, seconds(30)).size(), 3u) << "it has recovered";
}

TEST_F(MountProbeTest, AnotherMountAtThePathOfOneThatHangsIsAsked) {
  EXPECT_TRUE(probe_.Probe({{1, "hung"}}, milliseconds(20)).empty());
  EXPECT_EQ(systems_->asked(), 1);
  EXPECT_TRUE(probe_.Probe({{2, "hung"}}, milliseconds(20)).empty());
  EXPECT_EQ(systems_->asked(), 2);
}

TEST_F(MountProbeTest, HelpersAreLimited) {
  std::vector<MountProbe::Question> questions;
  for (uint64_t i = 0; i < 3 * MountProbe::kHelpersMax; ++i) questions.push_back({i, "hung"});
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(probe_.Probe(questions, milliseconds(400)).empty());
    EXPECT_LE(probe_.helpers(), MountProbe::kHelpersMax);
  }
  EXPECT_EQ(systems_->asked(), static_cast<int>(MountProbe::kHelpersMax));
}

TEST(MountProbe, HelpersOutliveIt) {
  const auto systems = std::make_shared<FileSystems>();
  const auto ask = [systems](const std::string& path) { return systems->Ask(path); };
  { EXPECT_TRUE(MountProbe(ask).Probe({{1, "hung"}}, milliseconds(20)).empty()); }
  systems->LetGo();
}

TEST(MountProbe, AsksTheKernel) {
  const std::optional<FileSystemUsage> usage = UsageOf("/");
  ASSERT_TRUE(usage);
  EXPECT_GT(usage->size_bytes, usage->free_bytes - 1);
  EXPECT_FALSE(UsageOf("/does/not/exist"));
}

}  // namespace
}  // namespace hinomi
