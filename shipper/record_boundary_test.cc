// Records that lie over a rotation, a restart, or the end of what was written so far, cut at every
// byte: each arrives once, whole, under the same id.
#include "shipper/pipeline_fixture.h"

namespace hinomi {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

struct Shipped {
  std::string text;              // of all files together
  size_t cut = 0;                // the first file ends here
  bool restart = false;          // the agent, between them
  bool split_line = false;       // a line begins in one write and ends in another, in one file
  std::vector<std::string> ids;  // of what arrived
};

class RecordBoundaryTest : public PipelineTest {
 protected:
  RecordBoundaryTest() { config_.sinks[0].linger = milliseconds(0); }

  /// Ships `run.text` in two parts and fills in the ids.
  void Ship(Shipped* run) {
    std::filesystem::remove_all(root_ / "var/log");
    std::filesystem::create_directories(root_ / "var/log/pods");
    sink_.documents.clear();
    sink_.ids.clear();
    Write(run->text.substr(0, run->cut));
    auto agent = std::make_unique<Agent>(*this);
    Pass(*agent, milliseconds(300));
    if (run->restart) {
      agent->Housekeep();
      const CheckpointState state = agent->saved;
      agent.reset();
      agent = std::make_unique<Agent>(*this, state);
    }
    if (!run->split_line) Rotate("20261121-022645");
    Write(run->text.substr(run->cut));
    Pass(*agent, run->split_line && config_.multiline.empty() ? milliseconds(300) : seconds(2));
    for (const LedgerEntry& entry : agent->store.TakeLedger().entries) {
      EXPECT_EQ(entry.imbalance, 0);
      EXPECT_EQ(entry.settled.LostTotal() + entry.settled.DroppedTotal(), 0u);
      EXPECT_EQ(entry.settled.acknowledged, run->text.size());
    }
    for (const Received& document : sink_.documents) run->ids.push_back(document.id);
  }

  /// The places behind each line.
  static std::vector<size_t> Ends(const std::string& text) {
    std::vector<size_t> ends;
    for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
      ends.push_back(at + 1);
    return ends;
  }

  /// Parts of two streams in turn, as a runtime writes them.
  std::string Parts() {
    return Line("before") + Line("out 1,", "P") + Line("err 1,", "P", "stderr") +
           Line(" out 2,", "P") + Line(" out 3") + Line(" err 2", "F", "stderr") + Line("behind");
  }
};

// A runtime rotates between two lines: after each part, with the other stream's record open too.
TEST_F(RecordBoundaryTest, PartsOverARotation) {
  const std::string text = Parts();
  for (const size_t cut : Ends(text)) {
    for (const bool restart : {false, true}) {
      SCOPED_TRACE(::testing::Message() << "cut at " << cut << " restart " << restart);
      Shipped run{text, cut, restart, false, {}};
      Ship(&run);
      EXPECT_THAT(Messages(), ::testing::UnorderedElementsAre("before", "out 1, out 2, out 3",
                                                              "err 1, err 2", "behind"));
    }
  }
  EXPECT_EQ(sink_.duplicates, 0);
}

// What is there ends at any byte, within a time, a tag or a body, when the agent looks or restarts.
TEST_F(RecordBoundaryTest, PartsWrittenByteByByte) {
  const std::string text = Parts();
  Shipped whole{text, text.size(), false, true, {}};
  Ship(&whole);
  ASSERT_EQ(whole.ids.size(), 4u);
  for (size_t cut = 0; cut < text.size(); ++cut) {
    const bool restart = cut % 2 == 1;
    SCOPED_TRACE(::testing::Message() << "cut at " << cut << " restart " << restart);
    Shipped run{text, cut, restart, true, {}};
    Ship(&run);
    ASSERT_THAT(run.ids, ElementsAreArray(whole.ids));
  }
  EXPECT_EQ(sink_.duplicates, 0);
}

// The same where a machine died in the middle of a line and the file's other part is a new one: the
// line is two records, and nothing else is harmed.
TEST_F(RecordBoundaryTest, ALineThatIsCutByARotationAtEveryByte) {
  const std::string first = Line("before");
  const std::string cut_line = Line("the line that is cut");
  for (size_t cut = 0; cut <= cut_line.size(); ++cut) {
    SCOPED_TRACE(cut);
    std::filesystem::remove_all(root_ / "var/log");
    std::filesystem::create_directories(root_ / "var/log/pods");
    sink_.documents.clear();
    sink_.ids.clear();
    Agent agent(*this);
    Write(first + cut_line.substr(0, cut));
    Pass(agent, milliseconds(300));
    Rotate("20261121-022645");
    const std::string last = Line("behind");
    Write(last);
    Pass(agent, seconds(8));
    const std::vector<std::string> messages = Messages();
    ASSERT_GE(messages.size(), 2u);
    EXPECT_EQ(messages.front(), "before");
    EXPECT_EQ(messages.back(), "behind");
    for (const LedgerEntry& entry : agent.store.TakeLedger().entries) {
      EXPECT_EQ(entry.imbalance, 0);
      EXPECT_EQ(entry.settled.Total(), first.size() + cut + last.size());
      EXPECT_EQ(entry.settled.LostTotal(), 0u);
    }
  }
}

TEST_F(RecordBoundaryTest, ATraceWrittenByteByByte) {
  config_.multiline.resize(1);
  config_.multiline[0].preset = MultilinePreset::kJava;
  const std::string text = Line("before") + Line("java.lang.IllegalStateException: no amount") +
                           Line("\tat com.example.Shop.pay(Shop.java:1)") +
                           Line("\tat com.example.Shop.main(Shop.java:2)") + Line("behind");
  const std::string trace =
      "java.lang.IllegalStateException: no amount\n\tat com.example.Shop.pay(Shop.java:1)\n"
      "\tat com.example.Shop.main(Shop.java:2)";
  const std::vector<size_t> ends = Ends(text);
  for (size_t cut = 0; cut < text.size(); ++cut) {
    const bool between_lines = std::find(ends.begin(), ends.end(), cut) != ends.end();
    const bool restart = cut % 2 == 1 || between_lines;
    SCOPED_TRACE(::testing::Message() << "cut at " << cut << " restart " << restart);
    Shipped run{text, cut, restart, !between_lines, {}};
    Ship(&run);
    ASSERT_THAT(Messages(), ElementsAre("before", trace, "behind"));
  }
  EXPECT_EQ(sink_.duplicates, 0);
}

// A file of one byte has no line yet; with its first line it is a log.
TEST_F(RecordBoundaryTest, FilesOfAFewBytes) {
  const std::string tiny = "2026-11-21T02:26:54Z stdout F tiny 40 by\n";
  ASSERT_EQ(tiny.size(), 41u);
  for (const size_t cut : {size_t{0}, size_t{1}, size_t{40}, size_t{41}}) {
    for (const bool restart : {false, true}) {
      SCOPED_TRACE(::testing::Message() << "cut at " << cut << " restart " << restart);
      Shipped run{tiny, cut, restart, true, {}};
      Ship(&run);
      EXPECT_THAT(Messages(), ElementsAre("tiny 40 by"));
    }
  }
}

}  // namespace
}  // namespace hinomi
