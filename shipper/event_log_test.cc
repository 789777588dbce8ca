#include "shipper/event_log.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <filesystem>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/event_fixture.h"

namespace hinomi {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

PodInfo Container(const std::string& name, uint32_t restart = 0) {
  PodInfo pod;
  pod.namespace_name = "prod";
  pod.pod_name = "web-0";
  pod.pod_uid = "7-a";
  pod.container_name = name;
  pod.restart_count = restart;
  return pod;
}

Event Lost(const std::string& message) { return {EventAction::kBytesLost, message, {}}; }

class EventLogTest : public ::testing::Test {
 protected:
  EventLogTest() { Restart(); }

  /// A new one over what is there, with limits that are zero where they are of no interest.
  void Restart(uint64_t bytes_max = 1 << 20, uint64_t files_max = 100,
               uint64_t file_bytes_max = 1 << 20) {
    events_ = std::make_unique<EventLog>(EventLog::Options{.directory = directory_ / "events",
                                                           .agent = AgentAsPod(""),
                                                           .bytes_max = bytes_max,
                                                           .files_max = files_max,
                                                           .file_bytes_max = file_bytes_max},
                                         EventLog::Parts{files_, clock_, metrics_});
    ASSERT_TRUE(events_->Open());
  }
  std::vector<std::string> Files() { return FilesBelow(directory_ / "events"); }
  std::string Content(const std::string& path) {
    return *files_.ReadWhole(directory_ / ("events/" + path), 1 << 20);
  }

  TemporaryDirectory directory_;
  FullFileSystem files_;
  ManualClock clock_;
  Metrics metrics_;
  std::unique_ptr<EventLog> events_;
};

TEST_F(EventLogTest, EachRunOfAContainerHasALogOfItsOwn) {
  ASSERT_TRUE(events_->Append(Container("main"), Lost("a")));
  ASSERT_TRUE(events_->Append(Container("main"), Lost("b")));
  ASSERT_TRUE(events_->Append(Container("main", 3), Lost("c")));
  events_->Append({EventAction::kSinkUp, "d", {}});
  EXPECT_THAT(Files(), ElementsAre("hinomi_agent_agent/hinomi/0.log", "prod_web-0_7-a/main/0.log",
                                   "prod_web-0_7-a/main/3.log"));
  EXPECT_THAT(Messages(Content("prod_web-0_7-a/main/0.log")), ElementsAre("a", "b"));
  EXPECT_EQ(MetricOf(metrics_, "hinomi_events_total{action=\"bytes-lost\"}"), 3);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_events_files"), 3);
}

TEST_F(EventLogTest, WhatHasNoPathIsToldOfTheAgent) {
  for (const char* name : {"../../x", "A_b", "", "a/b"}) {
    ASSERT_TRUE(events_->Append(Container(name), Lost(name)));
  }
  PodInfo pod = Container("main");
  pod.pod_uid = "../x";
  ASSERT_TRUE(events_->Append(pod, Lost("uid")));
  EXPECT_THAT(Files(), ElementsAre("hinomi_agent_agent/hinomi/0.log"));
  EXPECT_THAT(Messages(Content(Files()[0])), ElementsAre("../../x", "A_b", "", "a/b", "uid"));
  EXPECT_THAT(Content(Files()[0]), testing::HasSubstr(R"("container":"A_b")"));
}

TEST_F(EventLogTest, TheAgentsNameIsThatOfItsPod) {
  const std::pair<std::string, std::string> kCases[] = {
      {"", "hinomi/agent"},       {"logs/hinomi-x", "logs/hinomi-x"}, {"logs", "hinomi/agent"},
      {"Logs/x", "hinomi/agent"}, {"a_b/x", "hinomi/agent"},          {"a/b/c", "hinomi/agent"},
      {"../..", "hinomi/agent"}};
  for (const auto& [own_pod, want] : kCases) {
    const PodInfo agent = AgentAsPod(own_pod);
    EXPECT_EQ(agent.namespace_name + "/" + agent.pod_name, want) << own_pod;
  }
}

TEST_F(EventLogTest, ALineThatWasTornStaysAlone) {
  directory_.Append("events/prod_web-0_7-a/main/0.log", "2026-11-21T00:00:00Z stdout F {\"mess");
  Restart();
  ASSERT_TRUE(events_->Append(Container("main"), Lost("a")));
  EXPECT_THAT(Messages(Content(Files()[0])), ElementsAre("a"));
  EXPECT_THAT(Content(Files()[0]), StartsWith("2026-11-21T00:00:00Z stdout F {\"mess\n"));
}

TEST_F(EventLogTest, KeepsTheNameOfAFileThatAnotherRunHasMade) {
  directory_.Append("events/prod_web-0_7-a/main/0.log", "\n");
  Restart();
  files_.synced.clear();
  ASSERT_TRUE(events_->Append(Container("main"), Lost("a")));
  EXPECT_THAT(files_.synced, Contains(directory_ / "events/prod_web-0_7-a/main"));
  EXPECT_THAT(files_.synced, Contains(directory_ / "events/prod_web-0_7-a"));
  files_.synced.clear();
  ASSERT_TRUE(events_->Append(Container("main"), Lost("b")));
  EXPECT_THAT(files_.synced, IsEmpty());
}

TEST_F(EventLogTest, FailsWhenTheDiskIsFull) {
  files_.full = true;
  const Result<void> written = events_->Append(Container("main"), Lost("a"));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ENOSPC);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_events_write_errors_total"), 1);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_events_total{action=\"bytes-lost\"}"), 0);
  files_.full = false;
  ASSERT_TRUE(events_->Append(Container("main"), Lost("b")));
  EXPECT_THAT(Messages(Content(Files()[0])), ElementsAre("b"));
}

TEST_F(EventLogTest, TooManyAreLeftOutButGapRecords) {
  const auto append = [&](EventAction action, int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(events_->Append(Container("main"), {action, "x", {}}));
    }
  };
  append(EventAction::kFileLost, 13);
  append(EventAction::kBytesLost, 13);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_events_total{action=\"file-lost\"}"), 10);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_events_suppressed_total{action=\"file-lost\"}"), 3);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_events_total{action=\"bytes-lost\"}"), 13);
  ASSERT_TRUE(events_->Append(Container("other"), {EventAction::kFileLost, "x", {}}));
  EXPECT_EQ(MetricOf(metrics_, "hinomi_events_total{action=\"file-lost\"}"), 11);
  clock_.Advance(std::chrono::minutes(1));
  append(EventAction::kFileLost, 1);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_events_total{action=\"file-lost\"}"), 12);
}

TEST_F(EventLogTest, LongLogsAreRotated) {
  Restart(1 << 20, 100, /*file_bytes_max=*/300);
  for (const char* message : {"a", "b", "c", "d", "e", "f", "g"}) {
    ASSERT_TRUE(events_->Append(Container("main"), Lost(message)));
  }
  const std::vector<std::string> files = Files();
  ASSERT_THAT(files, SizeIs(testing::Ge(3)));  // all within one second
  EXPECT_THAT(files[0], EndsWith("/0.log"));
  std::string content;
  for (size_t i = 1; i < files.size(); ++i) content += Content(files[i]);
  EXPECT_THAT(Messages(content + Content(files[0])),
              ElementsAre("a", "b", "c", "d", "e", "f", "g"));
}

TEST_F(EventLogTest, TheOldestSettledFilesGoFirst) {
  const auto age = [&](const std::string& container, int minutes) {
    std::filesystem::last_write_time(
        directory_ / ("events/prod_web-0_7-a/" + container + "/0.log"),
        std::filesystem::file_time_type::clock::now() - std::chrono::minutes(minutes));
  };
  for (const char* name : {"a", "b", "c", "d"}) {
    ASSERT_TRUE(events_->Append(Container(name), Lost("x")));
  }
  age("a", 4), age("b", 3), age("c", 2), age("d", 1);
  const auto settled = [](const std::string& directory, uint32_t) {
    return directory != "prod_web-0_7-a/a" && directory != "prod_web-0_7-a/c";
  };
  Restart(1 << 20, /*files_max=*/3);
  clock_.Advance(std::chrono::hours(24 * 365));
  events_->Trim(settled);
  EXPECT_THAT(Files(), ElementsAre("prod_web-0_7-a/a/0.log", "prod_web-0_7-a/c/0.log",
                                   "prod_web-0_7-a/d/0.log"));
  EXPECT_EQ(MetricOf(metrics_, "hinomi_events_discarded_total"), 0);
  Restart(/*bytes_max=*/1);
  events_->Trim(settled);
  EXPECT_THAT(Files(), IsEmpty());
  EXPECT_EQ(MetricOf(metrics_, "hinomi_events_discarded_total"), 2);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_events_bytes"), 0);
  EXPECT_TRUE(std::filesystem::is_empty(directory_ / "events"));
}

}  // namespace
}  // namespace hinomi
