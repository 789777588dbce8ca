// The pipeline from the kubelet's files to a sink.
#include <rapidjson/document.h>

#include <fstream>

#include "shipper/compress/gzip.h"
#include "shipper/pipeline_fixture.h"

namespace hinomi {

Received ReceivedOf(const std::string& item) {
  const size_t newline = item.find('\n');
  rapidjson::Document action;
  rapidjson::Document document;
  action.Parse(item.substr(0, newline).c_str());
  document.Parse(item.c_str() + newline + 1);
  EXPECT_FALSE(action.HasParseError() || document.HasParseError()) << item;
  Received received{action["create"]["_id"].GetString(), "", document["log"]["offset"].GetUint64(),
                    item.substr(newline + 1)};
  if (document.HasMember("message")) received.message = document["message"].GetString();
  return received;
}

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(PipelineTest, ShipsLinesOnceAndInOrder) {
  Agent agent(*this);
  Write(Lines(0, 3));
  Pass(agent);
  ExpectLines(0, 3);
  EXPECT_EQ(sink_.documents[0].offset, 0u);
  Write(Lines(3, 2000));
  Pass(agent);
  ExpectLines(0, 2003);
  EXPECT_EQ(sink_.duplicates, 0);
  EXPECT_LE(sink_.batch_bytes_seen, config_.sinks[0].batch_bytes);
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_log_lines_total{namespace=\"prod\"} 2003"));
  EXPECT_THAT(agent.metrics.Expose(),
              HasSubstr("hinomi_route_pending_bytes{route=\"all\",sink=\"keep\"} 0"));
}

TEST_F(PipelineTest, FinishesARotatedFileBeforeItsSuccessor) {
  Agent agent(*this);
  Write(Lines(0, 10));
  Pass(agent);
  Write(Lines(10, 5));
  Rotate("20261121-022645");
  Write(Lines(20, 5));
  Write(Lines(15, 5), "0.log.20261121-022645");  // the writer's last lines, after the rename
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 25);
}

TEST_F(PipelineTest, WaitsForTheLastLinesOfARotatedFile) {
  Agent agent(*this);
  Write(Lines(0, 10));
  Pass(agent);
  Rotate("20261121-022645");
  Write(Lines(15, 5));
  Pass(agent, std::chrono::milliseconds(400));
  EXPECT_FALSE(agent.store.Drained()) << "the next file has not been read";
  Write(Lines(10, 5), "0.log.20261121-022645");
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 20);
  agent.store.WaitForWork(Duration{0});
  agent.store.Hurry();
  Work(agent);
  EXPECT_TRUE(agent.store.Drained());
}

TEST_F(PipelineTest, FollowsTwoRotationsBetweenLooks) {
  Agent agent(*this);
  Write(Lines(0, 10));
  Pass(agent);
  Rotate("20261121-022645");
  Write(Lines(10, 10));
  Rotate("20261121-022654");
  Write(Lines(20, 10));
  Pass(agent, std::chrono::seconds(3));
  ExpectLines(0, 30);
}

TEST_F(PipelineTest, FollowsManyRotationsOfALogThatNobodyTakes) {
  Agent agent(*this);
  sink_.dead = true;
  for (int i = 0; i < 40; ++i) {
    Write(Lines(10 * i, 10));
    Pass(agent, std::chrono::milliseconds(300));
    Rotate("20261121-0226" + std::to_string(10 + i));
    std::filesystem::remove(PathOf("0.log.20261121-0226" + std::to_string(10 + i)));
  }
  Write(Lines(400, 10));
  Pass(agent);
  sink_.dead = false;
  Pass(agent, std::chrono::seconds(20));
  ExpectLines(0, 410);
  agent.store.Prune();
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_segments_open 1\n"));
}

// A lease whose first record finds no room leaves its log where it was, and due.
TEST_F(PipelineTest, GoesOnWhereThereWasNoRoom) {
  Agent agent(*this);
  const std::string other = "prod_other_0b1c2d3e-0000-4000-8000-000000000002/main/0.log";
  int lines = 0;
  for (int round = 0; round < 20; ++round) {
    const int count = 1500 + 10 * round;  // some of them leave an open batch and room for none
    Write(Lines(lines, count));
    root_.Append("var/log/pods/" + other, Line(std::string(40'000, 'x')));
    lines += count + 1;
    agent.Sweep();
    clock_.Advance(std::chrono::seconds(1));
    while (agent.worker.Step(0)) {
    }
    Deliver(agent);
    Work(agent);
    ASSERT_EQ(sink_.documents.size(), static_cast<size_t>(lines)) << count;
  }
}

TEST_F(PipelineTest, ReadsADeletedFileToItsEnd) {
  Agent agent(*this);
  Write(Lines(0, 10));
  agent.Sweep();
  std::filesystem::remove_all(root_ / "var/log/pods" /
                              std::filesystem::path(kDirectory).parent_path());
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 10);
  agent.store.Prune();
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_logs 0"));
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_segments_open 0"));
}

TEST_F(PipelineTest, JoinsARecordOverARotation) {
  Agent agent(*this);
  Write(Line("first half,", "P"));
  Pass(agent);
  EXPECT_THAT(Messages(), IsEmpty());
  Rotate("20261121-022645");
  Write(Line(" second half"));
  Pass(agent, std::chrono::seconds(2));
  EXPECT_THAT(Messages(), ElementsAre("first half, second half"));
}

TEST_F(PipelineTest, ClosesARecordThatStaysOpen) {
  Agent agent(*this);
  Write(Line("done") + Line("partial", "P"));
  Pass(agent, std::chrono::seconds(4));
  EXPECT_THAT(Messages(), ElementsAre("done"));
  Pass(agent, std::chrono::seconds(4));
  EXPECT_THAT(Messages(), ElementsAre("done", "partial"));
  Write(Line("more"));
  Pass(agent);
  EXPECT_THAT(Messages(), ElementsAre("done", "partial", "more"));
}

TEST_F(PipelineTest, GoesOnAfterARestart) {
  const CheckpointState state = StateAfter(Lines(0, 10));
  Write(Lines(10, 5));
  Rotate("20261121-022645");
  Write(Lines(15, 5));
  Agent agent(*this, state);
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 20);
  EXPECT_EQ(sink_.duplicates, 0);
}

TEST_F(PipelineTest, SendsTheSameIdsWhenTheCheckpointIsLost) {
  Write(Lines(0, 10));
  {
    Agent agent(*this);
    Pass(agent);
  }
  Rotate("20261121-022645");
  Agent agent(*this);
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 10);
  EXPECT_EQ(sink_.duplicates, 10);
}

TEST_F(PipelineTest, CountsWhatVanishedWhileItWasDown) {
  config_.escrow.directory.clear();
  CheckpointState state;
  {
    Agent agent(*this);
    Write(Lines(0, 10));
    Pass(agent);
    state = agent.store.Snapshot();
    state.logs[0].segments[0].size += 100;  // as if the agent had seen more than it had settled
    state.logs[0].readers[0].produced_bytes += 100;
  }
  std::filesystem::remove(PathOf("0.log"));
  Write(Lines(10, 5));
  Agent agent(*this, state);
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 15);
  EXPECT_THAT(agent.metrics.Expose(),
              HasSubstr("hinomi_ledger_bytes{route=\"all\",state=\"lost\"} 100"));
}

TEST_F(PipelineTest, DoesNotTakeForLostWhatItCannotOpen) {
  config_.escrow.directory.clear();
  const CheckpointState state = StateAfter(Lines(0, 10));
  Write(Lines(10, 5));
  Agent agent(*this, state);
  files_.exhausted = true;
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 10);
  files_.exhausted = false;
  Pass(agent);
  ExpectLines(0, 15);
  EXPECT_EQ(sink_.duplicates, 0);
  EXPECT_THAT(agent.metrics.Expose(),
              HasSubstr("hinomi_ledger_bytes{route=\"all\",state=\"lost\"} 0"));
}

void Gzip(const std::string& from, const std::string& to) {
  std::ifstream in(from);
  const std::string content((std::istreambuf_iterator<char>(in)), {});
  GzipCompressor compressor;
  const std::string_view part = content;
  std::ofstream(to) << compressor.Compress({&part, 1});
  std::filesystem::remove(from);
}

TEST_F(PipelineTest, ReadsOnInsideWhatWasCompressedWhileItWasDown) {
  config_.escrow.directory.clear();
  const CheckpointState state = StateAfter(Lines(0, 10));
  Write(Lines(10, 2000));
  Rotate("20261121-022645");
  Write(Lines(2010, 10));
  Rotate("20261121-022646");
  Gzip(PathOf("0.log.20261121-022645"), PathOf("0.log.20261121-022645.gz"));
  Gzip(PathOf("0.log.20261121-022646"), PathOf("0.log.20261121-022646.gz"));
  Write(Lines(2020, 5));
  Agent agent(*this, state);
  Pass(agent, std::chrono::seconds(3));
  ExpectLines(0, 2025);
  EXPECT_EQ(sink_.duplicates, 0);
  Rotate("20261121-022647");
  Write(Lines(2025, 5));
  Pass(agent, std::chrono::seconds(2));
  Gzip(PathOf("0.log.20261121-022647"), PathOf("0.log.20261121-022647.gz"));
  std::filesystem::remove(PathOf("0.log.20261121-022645.gz"));
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 2030);
  EXPECT_EQ(sink_.duplicates, 0);
  for (const LedgerEntry& entry : agent.store.TakeLedger().entries) EXPECT_EQ(entry.imbalance, 0);
}

// Files that begin with no time, and so may begin alike.
class UntimedTest : public PipelineTest {
 protected:
  // An agent that has shipped a file of garbage and its successor.
  void ShipGarbageAndFiveLines(Agent& agent) {
    Write(kGarbage);
    Pass(agent);
    Rotate("20261121-022645");
    Write(Lines(0, 5));
    Pass(agent);
  }
  // Two rotations in one go; the newest file gets the inode of that name.
  void RotateOnto(const std::string& name) {
    Rotate("20261121-022646");
    Write(Lines(5, 5));
    Rotate("20261121-022647");
    std::filesystem::rename(PathOf(name), PathOf("0.log"));
    std::filesystem::resize_file(PathOf("0.log"), 0);
    Write(kGarbage + Lines(10, 5));
  }
  const std::string kGarbage = "no header at all\n";
};

TEST_F(UntimedTest, TellsACopyFromTheNewestFileUnderItsInode) {
  Agent agent(*this);
  ShipGarbageAndFiveLines(agent);
  Gzip(PathOf("0.log.20261121-022645"), PathOf("0.log.20261121-022645.gz"));
  Pass(agent);
  RotateOnto("0.log.20261121-022645.gz");
  Pass(agent, std::chrono::seconds(3));
  ExpectLines(0, 15);
}

TEST_F(UntimedTest, TellsACopyFromARotatedFileUnderItsInode) {
  Agent agent(*this);
  ShipGarbageAndFiveLines(agent);
  Gzip(PathOf("0.log.20261121-022645"), PathOf("0.log.20261121-022645.gz"));
  Pass(agent);
  RotateOnto("0.log.20261121-022645.gz");
  Rotate("20261121-022648");
  Write(Lines(15, 5));
  Pass(agent, std::chrono::seconds(3));
  ExpectLines(0, 20);
}

TEST_F(UntimedTest, TellsASettledFileFromTheNewestUnderItsInode) {
  files_.has_births = false;
  Agent agent(*this);
  ShipGarbageAndFiveLines(agent);
  Pass(agent, std::chrono::seconds(2));
  std::filesystem::copy_file(PathOf("0.log.20261121-022645"), PathOf("plain"));
  Gzip(PathOf("plain"), PathOf("0.log.20261121-022645.gz"));
  RotateOnto("0.log.20261121-022645");
  Pass(agent, std::chrono::seconds(3));
  ExpectLines(0, 15);
}

TEST_F(PipelineTest, ReadsFromTheEscrowWhatWasRemovedWhileItWasDown) {
  CheckpointState state;
  {
    Agent agent(*this);
    sink_.dead = true;
    Write(Lines(0, 10));
    Pass(agent);
    state = agent.store.Snapshot();
    Write(Lines(10, 10));
    Rotate("20261121-022645");
    Write(Lines(20, 10));
    Pass(agent);
  }
  std::filesystem::remove_all(std::filesystem::path(PathOf("0.log")).parent_path().parent_path());
  sink_.dead = false;
  Agent agent(*this, state);
  Pass(agent, std::chrono::seconds(5));
  ExpectLines(0, 30);
  EXPECT_EQ(sink_.duplicates, 0);
  const std::filesystem::path escrow = root_ / "var/log/hinomi/escrow";
  EXPECT_TRUE(std::filesystem::is_empty(escrow)) << "nothing is held that is not needed";
  const Ledger ledger = agent.store.TakeLedger();
  ASSERT_EQ(ledger.entries.size(), 1u) << "the log is folded into its namespace";
  EXPECT_EQ(ledger.entries[0].origin, nullptr);
  EXPECT_EQ(ledger.entries[0].produced, ledger.entries[0].settled.acknowledged);
  EXPECT_EQ(ledger.entries[0].imbalance, 0);
}

TEST_F(PipelineTest, KnowsWhatItHoldsInWhatWasCompressedSinceTheCheckpoint) {
  CheckpointState state;
  {
    Agent agent(*this);
    Write(Lines(0, 10));
    Pass(agent);
    state = agent.store.Snapshot();
    Rotate("20261121-022645");
    Write(Lines(10, 10));
    Pass(agent);
  }
  Rotate("20261121-022646");
  Write(Lines(20, 5));
  Gzip(PathOf("0.log.20261121-022646"), PathOf("0.log.20261121-022646.gz"));
  Agent agent(*this, state);
  Pass(agent, std::chrono::seconds(3));
  ExpectLines(0, 25);
}

TEST_F(PipelineTest, HoldsNoMoreThanItMay) {
  config_.escrow.bytes_max = 100 << 10;
  Agent agent(*this);
  sink_.dead = true;
  for (int i = 0; i < 4; ++i) {
    Write(Lines(i * 1000, 1000));
    Rotate("20261121-02264" + std::to_string(i));
    Pass(agent);
  }
  Write(Lines(4000, 10));
  Pass(agent, std::chrono::seconds(40));  // until nothing is on its way any more
  for (int i = 0; i < 4; ++i)
    std::filesystem::remove(PathOf("0.log.20261121-02264" + std::to_string(i)));
  Pass(agent, std::chrono::seconds(10));
  sink_.dead = false;
  Pass(agent, std::chrono::seconds(15));
  const std::vector<std::string> got = Messages();
  ASSERT_FALSE(got.empty());
  EXPECT_EQ(got.back(), "n=4009");
  EXPECT_LT(got.size(), 4010u);
  EXPECT_GT(got.size(), 1000u);
  for (const LedgerEntry& entry : agent.store.TakeLedger().entries) {
    EXPECT_EQ(entry.imbalance, 0);
    EXPECT_GT(entry.settled.lost[static_cast<size_t>(LossReason::kEscrowFull)], 0u);
    EXPECT_EQ(entry.produced, entry.settled.Total());
  }
}

// A dead sink keeps one batch as its probe: the log that it is of must not fill the disk meanwhile.
TEST_F(PipelineTest, HoldsNoMoreThanItMayWhileItsSinkIsDead) {
  config_.escrow.bytes_max = 100 << 10;
  Agent agent(*this);
  sink_.dead = true;
  for (int i = 0; i < 60; ++i) {
    const std::string suffix = "20261121-0226" + std::to_string(10 + i);
    Write(Lines(i * 500, 500));
    Pass(agent);
    Rotate(suffix);
    std::filesystem::remove(PathOf("0.log." + suffix));
    Pass(agent);
  }
  uint64_t held = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(root_ / "var/log/hinomi/escrow")) {
    if (entry.is_regular_file()) held += entry.file_size();
  }
  EXPECT_LT(held, 2 * config_.escrow.bytes_max);
}

TEST_F(PipelineTest, GoesOnInTheCopyOfWhatWasTruncated) {
  Agent agent(*this);
  sink_.dead = true;
  Write(Lines(0, 100));
  Pass(agent);
  std::filesystem::copy_file(PathOf("0.log"), PathOf("0.log.20261121-022645"));
  std::filesystem::resize_file(PathOf("0.log"), 0);
  Write(Lines(100, 200));
  Pass(agent);
  sink_.dead = false;
  Pass(agent, std::chrono::seconds(15));
  ExpectLines(0, 300);
  for (const LedgerEntry& entry : agent.store.TakeLedger().entries) {
    EXPECT_EQ(entry.imbalance, 0);
    EXPECT_EQ(entry.settled.LostTotal(), 0u);
  }
}

TEST_F(PipelineTest, GoesOnWhereAPowerCutHasLeftTheFile) {
  const CheckpointState state = StateAfter(Lines(0, 100));
  const uint64_t size = std::filesystem::file_size(PathOf("0.log"));
  std::filesystem::resize_file(PathOf("0.log"), size - 500);
  Agent agent(*this, state);
  Pass(agent, std::chrono::seconds(1));
  Write("\n" + Lines(100, 20));
  Pass(agent, std::chrono::seconds(8));
  ExpectLines(0, 120);
  EXPECT_EQ(sink_.duplicates, 0);
}

TEST_F(PipelineTest, ReadsAgainWhatItForgotForADeadSink) {
  Agent agent(*this);
  Write(Lines(0, 5000));
  sink_.dead = true;
  Pass(agent, std::chrono::seconds(40));
  EXPECT_THAT(Messages(), IsEmpty());
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_sink_up{sink=\"keep\"} 0"));
  Write(Lines(5000, 100));
  Pass(agent, std::chrono::seconds(10));
  sink_.dead = false;
  Pass(agent, std::chrono::seconds(15));
  ExpectLines(0, 5100);
  EXPECT_EQ(sink_.duplicates, 0);
}

TEST_F(PipelineTest, TakesATruncatedFileForANewOne) {
  Agent agent(*this);
  Write(Lines(0, 10));
  Pass(agent);
  std::filesystem::resize_file(PathOf("0.log"), 0);
  Pass(agent);
  Write(Lines(10, 5));
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 15);
  // Cut and written to between two looks, and nobody looks at the directory again.
  std::filesystem::resize_file(PathOf("0.log"), 0);
  Write(Lines(15, 1));
  agent.store.Touch(kDirectory, 0);
  clock_.Advance(std::chrono::seconds(1));
  Work(agent);
  ExpectLines(0, 16);
}

TEST_F(PipelineTest, SaysWhatWasWrittenLongAfterARotation) {
  Agent agent(*this);
  Write(Lines(0, 5));
  Pass(agent);
  Rotate("20261121-022645");
  Write(Lines(5, 5));
  Pass(agent, std::chrono::seconds(5));
  Write(std::string(100, 'x'), "0.log.20261121-022645");
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 10);
  EXPECT_THAT(
      agent.metrics.Expose(),
      HasSubstr(
          "hinomi_log_bytes_lost_total{namespace=\"prod\",reason=\"late\",route=\"all\"} 100"));
}

TEST_F(PipelineTest, LeavesOutWhatIsOlderThanSince) {
  config_.kubernetes.since = std::chrono::hours(24);
  Write(Lines(0, 10));
  // The manual clock stands in 2026-11; a file of 2001 is older than a day.
  using FileClock = std::filesystem::file_time_type::clock;
  constexpr std::chrono::sys_seconds k2001(std::chrono::seconds(978307200));
  std::filesystem::last_write_time(PathOf("0.log"), FileClock::from_sys(k2001));
  Agent agent(*this);
  Pass(agent);
  EXPECT_THAT(Messages(), IsEmpty());
  EXPECT_THAT(
      agent.metrics.Expose(),
      HasSubstr("hinomi_log_bytes_dropped_total{namespace=\"prod\",reason=\"before_since\""));
  Write(Lines(10, 5));
  Pass(agent);
  ExpectLines(10, 5);
}

TEST_F(PipelineTest, CountsGarbageAndGoesOn) {
  Agent agent(*this);
  Write("no CRI line at all\n\n" + Lines(0, 2) + std::string("\0\xff\n", 3) + Lines(2, 2) +
        "and at the end\n");
  Pass(agent);
  ExpectLines(0, 4);
  const std::string metrics = agent.metrics.Expose();
  EXPECT_THAT(metrics, HasSubstr("outcome=\"corrupt\",route=\"all\",sink=\"keep\"} 4"));
  EXPECT_THAT(metrics, HasSubstr("hinomi_route_pending_bytes{route=\"all\",sink=\"keep\"} 0"));
}

TEST_F(PipelineTest, ShipsALineOfSixteenMebibytesInPieces) {
  Agent agent(*this);
  Write(Line("before") + Line(std::string(16 << 20, 'x')) + Line("after"));
  Pass(agent, std::chrono::seconds(8));
  const std::vector<std::string> messages = Messages();
  ASSERT_GE(messages.size(), 3u);
  EXPECT_EQ(messages.front(), "before");
  EXPECT_EQ(messages.back(), "after");
  size_t total = 0;
  for (size_t i = 1; i + 1 < messages.size(); ++i) total += messages[i].size();
  EXPECT_EQ(total, 16u << 20);
}

TEST_F(PipelineTest, RefusesLinksThatLeadOutside) {
  root_.Append("etc/shadow", Lines(0, 3));
  std::filesystem::create_directories(std::filesystem::path(PathOf("0.log")).parent_path());
  std::filesystem::create_symlink(root_ / "etc/shadow", PathOf("0.log"));
  std::filesystem::create_symlink("/etc/shadow", PathOf("1.log"));
  Agent agent(*this);
  Pass(agent, std::chrono::seconds(2));
  EXPECT_THAT(Messages(), IsEmpty());
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_log_links_refused_total 2"));
}

TEST_F(PipelineTest, TellsContainersOfOnePodApart) {
  Agent agent(*this);
  Write(Lines(0, 2), "0.log");
  Write(Lines(2, 2), "1.log");
  Pass(agent);
  EXPECT_EQ(sink_.documents.size(), 4u);
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_logs 2"));
}

TEST_F(PipelineTest, ReportsWhatEachLogHasDeliveredAndWaitsWith) {
  Agent agent(*this);
  const std::string lines = Lines(0, 10);
  Write(lines + "garbage\n");
  Pass(agent);
  LogsStatus report = agent.store.Report();
  ASSERT_EQ(report.logs.size(), 1u);
  EXPECT_EQ(report.logs[0].origin->pod.namespace_name, "prod");
  EXPECT_EQ(report.logs[0].lines, 10u);
  EXPECT_EQ(report.logs[0].bytes, lines.size() + 8);
  EXPECT_EQ(report.logs[0].pending_bytes, 0u);
  EXPECT_EQ(report.logs[0].oldest, Duration{0});
  EXPECT_EQ(report.dropped_bytes["corrupt"], 8u);

  sink_.dead = true;
  Write(Line("waits"));
  Pass(agent, std::chrono::seconds(40));
  const uint64_t before = agent.store.Report().logs[0].pending_bytes;
  const std::string more = Lines(20, 5);
  Write(more);
  agent.store.Touch(kDirectory, 0);
  report = agent.store.Report();
  EXPECT_EQ(report.logs[0].pending_bytes, before + more.size()) << "nobody leases it";
  EXPECT_THAT(report.logs[0].oldest, ::testing::Gt(std::chrono::seconds(35)));
  EXPECT_EQ(report.lines, 10u);

  sink_.dead = false;
  Pass(agent, std::chrono::seconds(20));
  std::filesystem::remove_all(std::filesystem::path(PathOf("0.log")).parent_path());
  Pass(agent, std::chrono::seconds(2));
  agent.store.Prune();
  report = agent.store.Report();
  EXPECT_EQ(report.logs.size(), 0u);
  EXPECT_EQ(report.lines, 16u) << "what a log that is gone has delivered still counts";
}

}  // namespace
}  // namespace hinomi
