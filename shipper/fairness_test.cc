// Limits of fairness, from the kubelet's files to a sink.
#include "base/metric_of.h"
#include "shipper/pipeline_fixture.h"

namespace hinomi {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

class FairnessTest : public PipelineTest {
 protected:
  void Limit(uint64_t bytes_per_second, Exceeded exceeded) {
    ShareConfig rule;
    rule.match.namespace_pattern = "prod";
    rule.bytes_per_second = bytes_per_second;
    rule.exceeded = exceeded;
    config_.fairness.push_back(rule);
  }
  // As the worker's thread does it.
  void PassWaiting(Agent& agent, Duration time) {
    for (const Duration until = clock_.Monotonic() + time; clock_.Monotonic() < until;) {
      agent.store.WaitForWork(Duration{0});
      Pass(agent, std::chrono::milliseconds(200));
    }
  }
  // How many bytes they are.
  uint64_t WriteLines(int first, int count) {
    const std::string lines = Lines(first, count);
    Write(lines);
    return lines.size();
  }
  static double Settled(Agent& agent, const std::string& what, const std::string& outcome) {
    return MetricOf(agent.metrics, "hinomi_route_" + what + "_total{outcome=\"" + outcome +
                                       "\",route=\"all\",sink=\"keep\"}");
  }
};

TEST_F(FairnessTest, DropsAndCountsWhatIsBeyondALimit) {
  Limit(1'000, Exceeded::kDrop);
  Agent agent(*this);
  Pass(agent);
  const uint64_t written = WriteLines(100, 500);
  PassWaiting(agent, seconds(1));
  const uint64_t line_bytes = written / 500;
  const auto kept = static_cast<uint64_t>(sink_.documents.size());
  EXPECT_EQ(kept, (1'000 + line_bytes - 1) / line_bytes)
      << "whole lines, the last one begun within";
  ExpectLines(100, static_cast<int>(kept));
  EXPECT_EQ(Settled(agent, "records", "acknowledged"), kept);
  EXPECT_EQ(Settled(agent, "records", "rate_limited"), 500 - kept);
  EXPECT_EQ(Settled(agent, "records", "corrupt"), 0);
  EXPECT_EQ(Settled(agent, "source_bytes", "acknowledged"), kept * line_bytes);
  EXPECT_EQ(Settled(agent, "source_bytes", "rate_limited"), (500 - kept) * line_bytes);
  EXPECT_EQ(Settled(agent, "source_bytes", "corrupt"), 0);
  EXPECT_EQ(MetricOf(agent.metrics, "hinomi_rate_limited_bytes_total{namespace=\"prod\"}"),
            (500 - kept) * line_bytes);
  EXPECT_EQ(agent.store.Report().dropped_bytes["rate_limited"], (500 - kept) * line_bytes);
  EXPECT_EQ(MetricOf(agent.metrics, "hinomi_route_pending_bytes{route=\"all\",sink=\"keep\"}"), 0);

  PassWaiting(agent, seconds(5));
  WriteLines(600, 10);
  PassWaiting(agent, seconds(1));
  EXPECT_EQ(sink_.documents.size(), kept + 10) << "within its limit again";
  const CheckpointState state = agent.store.Snapshot();
  Agent next(*this, state);
  PassWaiting(next, seconds(2));
  EXPECT_EQ(sink_.documents.size(), kept + 10) << "what was dropped is settled";
}

TEST_F(FairnessTest, CountsDropsApartFromCorruptLines) {
  Limit(100, Exceeded::kDrop);
  Agent agent(*this);
  Pass(agent);
  WriteLines(100, 5);
  Write("not of the format\n");
  WriteLines(105, 5);
  PassWaiting(agent, seconds(1));
  ExpectLines(100, 3);
  EXPECT_EQ(Settled(agent, "records", "rate_limited"), 7);
  EXPECT_EQ(Settled(agent, "records", "corrupt"), 1);
  EXPECT_EQ(Settled(agent, "source_bytes", "corrupt"), 18);
}

TEST_F(FairnessTest, DoesNotDropWhatWaitedForItsSink) {
  Limit(1'000, Exceeded::kDrop);
  Agent agent(*this);
  Pass(agent);
  sink_.dead = true;
  for (int i = 0; i < 60; ++i) {
    WriteLines(100 + 10 * i, 10);
    PassWaiting(agent, seconds(1));
  }
  sink_.dead = false;
  PassWaiting(agent, seconds(20));
  ExpectLines(100, 600);
  EXPECT_EQ(Settled(agent, "records", "rate_limited"), 0);
}

TEST_F(FairnessTest, DoesNotDropWhatWasThereBeforeIt) {
  Limit(1'000, Exceeded::kDrop);
  WriteLines(100, 500);
  Agent agent(*this);
  PassWaiting(agent, seconds(1));
  ExpectLines(100, 500);
  WriteLines(600, 500);
  PassWaiting(agent, seconds(1));
  EXPECT_GT(Settled(agent, "records", "rate_limited"), 400);
}

TEST_F(FairnessTest, DelaysWhatIsBeyondALimit) {
  Limit(10'000, Exceeded::kDelay);
  Agent agent(*this);
  Pass(agent);
  const uint64_t written = WriteLines(1000, 1000);
  PassWaiting(agent, seconds(1));
  const size_t at_once = sink_.documents.size();
  WriteLines(2000, 1000);
  PassWaiting(agent, seconds(1));
  EXPECT_EQ(sink_.documents.size(), at_once) << "its debt is not paid";
  EXPECT_FALSE(agent.store.Drained());
  EXPECT_GT(*agent.store.NextDue(0), clock_.Monotonic());
  PassWaiting(agent, seconds(2 * written / 10'000));
  ExpectLines(1000, 2000);
  EXPECT_EQ(Settled(agent, "records", "rate_limited"), 0);
  const double waited =
      MetricOf(agent.metrics, "hinomi_rate_limited_seconds_total{namespace=\"prod\"}");
  EXPECT_GT(waited, 2);
  EXPECT_LT(waited, 10);
  EXPECT_THAT(agent.metrics.Expose(), Not(HasSubstr("hinomi_rate_limited_bytes_total{")));
}

TEST_F(FairnessTest, NamesNoMoreNamespacesThanItMay) {
  Limit(1'000, Exceeded::kDrop);
  config_.limits.namespaces_max = 0;
  Agent agent(*this);
  Pass(agent);
  WriteLines(100, 500);
  PassWaiting(agent, seconds(1));
  EXPECT_GT(MetricOf(agent.metrics, "hinomi_rate_limited_bytes_total{namespace=\"_overflow\"}"), 0)
      << agent.metrics.Expose();
}

}  // namespace
}  // namespace hinomi
