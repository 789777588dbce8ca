// Stack traces from the kubelet's files to a sink: each is one record, whatever happens meanwhile.
#include "shipper/pipeline_fixture.h"

namespace hinomi {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class MultilinePipelineTest : public PipelineTest {
 protected:
  MultilinePipelineTest() {
    config_.multiline.resize(2);
    config_.multiline[0].match.pod_pattern = "other-*";
    config_.multiline[0].start = "^nothing";
    config_.multiline[1].match.pod_pattern = "web-*";
    config_.multiline[1].preset = MultilinePreset::kJava;
  }

  std::string Head() { return Line("java.lang.IllegalStateException: no amount"); }
  std::string Frames(int first, int count) {
    std::string frames;
    for (int i = first; i < first + count; ++i)
      frames += Line("\tat com.example.Shop.pay(Shop.java:" + std::to_string(i) + ")");
    return frames;
  }
  static std::string Trace(int frames) {
    std::string trace = "java.lang.IllegalStateException: no amount";
    for (int i = 0; i < frames; ++i)
      trace += "\n\tat com.example.Shop.pay(Shop.java:" + std::to_string(i) + ")";
    return trace;
  }
};

TEST_F(MultilinePipelineTest, ATraceIsOneRecord) {
  Agent agent(*this);
  const std::string trace = Head() + Frames(0, 3);
  Write(Line("before") + trace + Line("behind"));
  Pass(agent, milliseconds(600));
  EXPECT_THAT(Messages(), ElementsAre("before", Trace(3)));
  EXPECT_EQ(sink_.documents[1].offset, Line("before").size());
  Pass(agent);
  EXPECT_THAT(Messages(), ElementsAre("before", Trace(3), "behind"));
  for (const Received& document : sink_.documents)
    EXPECT_THAT(document.text, ::testing::Not(HasSubstr("\"cut\"")));
}

TEST_F(MultilinePipelineTest, GoesOnOverARotation) {
  Agent agent(*this);
  Write(Line("before") + Head() + Frames(0, 2));
  Pass(agent, milliseconds(500));
  Rotate("20261121-022645");
  Write(Frames(2, 1));
  Rotate("20261121-022655");
  Write(Frames(3, 2) + Line("behind"));
  Pass(agent, seconds(4));
  EXPECT_THAT(Messages(), ElementsAre("before", Trace(5), "behind"));
  EXPECT_EQ(sink_.duplicates, 0);
}

TEST_F(MultilinePipelineTest, GoesOnOverARestartAtEveryLine) {
  const std::vector<std::string> lines = {Line("before"), Head(),       Frames(0, 1),
                                          Frames(1, 1),   Frames(2, 1), Line("behind")};
  for (size_t stop = 0; stop <= lines.size(); ++stop) {
    SCOPED_TRACE(stop);
    std::filesystem::remove_all(root_ / "var/log");
    std::filesystem::create_directories(root_ / "var/log/pods");
    sink_.documents.clear();
    sink_.ids.clear();
    CheckpointState state;
    {
      Agent agent(*this);
      for (size_t i = 0; i < stop; ++i) Write(lines[i]);
      Pass(agent, milliseconds(700));
      state = agent.store.Snapshot();
    }
    for (size_t i = stop; i < lines.size(); ++i) Write(lines[i]);
    Rotate("20261121-022645");
    Write(Line("last"));
    Agent agent(*this, state);
    Pass(agent, seconds(3));
    EXPECT_THAT(Messages(), ElementsAre("before", Trace(3), "behind", "last"));
  }
  EXPECT_EQ(sink_.duplicates, 0);
}

TEST_F(MultilinePipelineTest, WaitsForTheNextLine) {
  Agent agent(*this);
  Write(Head());
  // Each line within the rule's wait of the one before, all of them far beyond it.
  for (int i = 0; i < 4; ++i) {
    Pass(agent, milliseconds(800));
    Write(Frames(i, 1));
  }
  Pass(agent, milliseconds(800));
  EXPECT_THAT(Messages(), ElementsAre());
  Pass(agent, milliseconds(600));
  EXPECT_THAT(Messages(), ElementsAre(Trace(4)));
  Write(Frames(4, 1));
  Pass(agent, seconds(2));
  EXPECT_EQ(Messages().size(), 2u) << "too late: a record of its own";
}

TEST_F(MultilinePipelineTest, KeepsTheRecordPathOfOtherLogs) {
  config_.multiline[1].match.pod_pattern = "db-*";
  Agent agent(*this);
  Write(Head() + Frames(0, 1));
  Pass(agent, milliseconds(400));
  EXPECT_EQ(Messages().size(), 2u);
}

}  // namespace
}  // namespace hinomi
