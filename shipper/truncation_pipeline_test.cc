// Files that become shorter, or another one under the same inode, and what is kept of them.
#include <gmock/gmock.h>

#include <filesystem>

#include "shipper/pipeline_fixture.h"

namespace hinomi {
namespace {

class TruncationTest : public PipelineTest {
 protected:
  void WriteAnew(const std::string& content) {
    std::filesystem::resize_file(PathOf("0.log"), 0);
    Write(content);
  }
  // Both times in one tick, and longer than before.
  void ExpectNoticed(int lines) {
    Agent agent(*this);
    Write(Lines(0, lines));
    Pass(agent);
    const auto written = std::filesystem::last_write_time(PathOf("0.log"));
    WriteAnew(Lines(lines, 2 * lines));
    std::filesystem::last_write_time(PathOf("0.log"), written);
    Pass(agent, std::chrono::seconds(2));
    ExpectLines(0, 3 * lines);
  }
  // Of a hundred lines `left` are; five are added, and the agent is restarted before it delivers.
  void ExpectReadAfterCut(int left) {
    sink_.dead = true;
    CheckpointState state;
    {
      Agent agent(*this);
      Write(Lines(0, 100));
      Pass(agent);
      std::filesystem::resize_file(PathOf("0.log"), Lines(0, left).size());
      Pass(agent);
      Write(Lines(left, 5));
      Pass(agent);
      state = agent.saved;
    }
    sink_.dead = false;
    Agent agent(*this, state);
    Pass(agent, std::chrono::seconds(5));
    ExpectLines(0, left + 5);
    EXPECT_EQ(sink_.duplicates, 0);
    EXPECT_THAT(agent.store.TakeLedger().entries[0].imbalance, 0);
  }
  void RemovePod() {
    std::filesystem::remove_all(std::filesystem::path(PathOf("0.log")).parent_path().parent_path());
  }
};

TEST_F(TruncationTest, IsNoticedWithinOneTickOfTheFilesTimes) { ExpectNoticed(3); }

// Nothing is looked at then but the file's times and size, until it is read.
TEST_F(TruncationTest, OfAFileLongerThanItsFingerprintIsNoticedWithinOneTick) { ExpectNoticed(30); }

TEST_F(TruncationTest, KeepsWhatAFileOfARemovedPodHolds) {
  CheckpointState state;
  {
    Agent agent(*this);
    sink_.dead = true;
    Write(Lines(100, 10));
    Pass(agent);
    state = agent.store.Snapshot();
    WriteAnew(Lines(0, 5));
    RemovePod();
    agent.store.Touch(kDirectory, 0);
    agent.Sweep();
  }
  sink_.dead = false;
  Agent agent(*this, state);
  Pass(agent, std::chrono::seconds(5));
  ExpectLines(0, 5);
  EXPECT_TRUE(std::filesystem::is_empty(root_ / "var/log/hinomi/escrow"));
}

TEST_F(TruncationTest, ReadsWhatIsLeftOfACutOffFileAfterARestart) { ExpectReadAfterCut(50); }

TEST_F(TruncationTest, ReadsAfterARestartAFileThatIsShorterThanItsFingerprint) {
  ExpectReadAfterCut(10);
}

TEST_F(TruncationTest, WaitsForTheFirstLineInAFileThatIsRotatedEmpty) {
  Agent agent(*this);
  Write("");
  Pass(agent);
  Rotate("20261121-022645");
  Write("");
  Pass(agent, std::chrono::seconds(2));
  Write(Lines(0, 1), "0.log.20261121-022645");
  Write(Lines(1, 1));
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 2);
}

}  // namespace
}  // namespace hinomi
