// What /metrics tells of containers that are behind, and of the disk that they may keep.
#include "base/metric_of.h"
#include "shipper/pipeline_fixture.h"

namespace hinomi {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

class LagPipelineTest : public PipelineTest {
 protected:
  static double Lag(Metrics& metrics, const std::string& what) {
    return MetricOf(metrics,
                    "hinomi_log_lag_" + what +
                        "{container=\"main\",namespace=\"prod\",pod=\"web-7d9f8c6b5d-x2v4q\"}");
  }
  static void ExpectNoRow(Agent& agent) {
    EXPECT_THAT(agent.metrics.Expose(), Not(HasSubstr("hinomi_log_lag_bytes{")));
    EXPECT_EQ(MetricOf(agent.metrics, "hinomi_containers_lagging"), 0);
  }
};

TEST_F(LagPipelineTest, IsTheContainersWhileItsLinesWait) {
  Agent agent(*this);
  Write(Lines(0, 10));
  Pass(agent, seconds(15));
  ExpectNoRow(agent);

  sink_.dead = true;
  const std::string lines = Lines(10, 100);
  Write(lines);
  Pass(agent, seconds(5));
  ExpectNoRow(agent);
  Pass(agent, seconds(15));
  const std::string more = Lines(110, 100);
  Write(more);
  Pass(agent, seconds(1));
  EXPECT_EQ(Lag(agent.metrics, "bytes"), lines.size() + more.size());
  EXPECT_GT(Lag(agent.metrics, "seconds"), 20);
  EXPECT_LT(Lag(agent.metrics, "seconds"), 22);

  sink_.dead = false;
  Pass(agent, seconds(60));
  ExpectLines(0, 210);
  ExpectNoRow(agent);
}

TEST_F(LagPipelineTest, GoesWithTheLog) {
  config_.escrow.directory = "";
  Agent agent(*this);
  sink_.dead = true;
  Write(Lines(0, 10));
  Pass(agent, seconds(40));
  EXPECT_GT(Lag(agent.metrics, "seconds"), 10);
  std::filesystem::remove_all(root_ / "var/log/pods");
  std::filesystem::create_directories(root_ / "var/log/pods");
  Pass(agent);
  EXPECT_GT(Lag(agent.metrics, "bytes"), 0) << "its file is held";
  sink_.dead = false;
  Pass(agent, seconds(60));
  ExpectLines(0, 10);
  ExpectNoRow(agent);
  EXPECT_EQ(MetricOf(agent.metrics, "hinomi_logs"), 0);
}

TEST_F(LagPipelineTest, CountsALineThatTwoRoutesOweOnce) {
  LogStoreOptions options = Agent::StoreOptions(config_);
  options.routes.push_back(options.routes[0]);
  options.routes[1].name = "copy";
  options.lingers.resize(2);
  LogStore store(options, files_, clock_, metrics_);
  KubernetesSource source(KubernetesSource::PodsOf(config_), {store, files_, clock_, metrics_},
                          nullptr);
  store.Restore({});
  const std::string lines = Lines(0, 10);
  Write(lines);
  source.Sweep();
  source.Sweep();
  clock_.Advance(seconds(11));
  EXPECT_EQ(Lag(metrics_, "bytes"), lines.size());
}

TEST_F(LagPipelineTest, ShowsLimitsBesideTheirUse) {
  config_.escrow.bytes_max = 5 << 20;
  Agent agent(*this);
  sink_.dead = true;
  Write(Lines(0, 1000));
  Pass(agent);
  std::filesystem::remove(PathOf("0.log"));
  Pass(agent);
  EXPECT_GT(MetricOf(agent.metrics, "hinomi_escrow_bytes"), 0);
  EXPECT_EQ(MetricOf(agent.metrics, "hinomi_escrow_bytes_max"), 5 << 20);
  const double free = MetricOf(agent.metrics, "hinomi_escrow_free_ratio");
  EXPECT_GT(free, 0);
  EXPECT_LT(free, 1);
  EXPECT_EQ(MetricOf(agent.metrics, "hinomi_escrow_free_ratio_min"), 0);
  EXPECT_EQ(MetricOf(agent.metrics, "hinomi_dead_letters_bytes_max"), 64 << 20);
  EXPECT_EQ(MetricOf(agent.metrics, "hinomi_sink_in_flight_bytes_max{sink=\"keep\"}"), 1 << 20);
}

TEST_F(LagPipelineTest, SaysNothingOfAnEscrowThatThereIsNot) {
  config_.escrow.directory = "";
  Agent agent(*this);
  Pass(agent);
  EXPECT_THAT(agent.metrics.Expose(), Not(HasSubstr("hinomi_escrow_free_ratio")));
}

}  // namespace
}  // namespace hinomi
