#include "shipper/source/lag.h"

#include <gmock/gmock.h>

#include <string>

#include "base/metric_of.h"

namespace hinomi {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

class LagRowsTest : public ::testing::Test {
 protected:
  double Of(const std::string& what, const std::string& container,
            const std::string& name_space = "prod", const std::string& pod = "web-1") {
    std::string labels = "container=\"" + container + "\",namespace=\"" + name_space + "\"";
    return MetricOf(metrics_, "hinomi_log_lag_" + what + "{" + labels + ",pod=\"" + pod + "\"}");
  }
  double Overflow(const std::string& what) {
    return Of(what, "_overflow", "_overflow", "_overflow");
  }
  static PodInfo Container(const std::string& name) {
    PodInfo pod;
    pod.namespace_name = "prod";
    pod.pod_name = "web-1";
    pod.container_name = name;
    return pod;
  }

  Metrics metrics_;
  LagRows rows_{metrics_, 2};
};

TEST_F(LagRowsTest, SumsUpTheLogsOfAContainerThatIsBehind) {
  const PodInfo before = Container("main"), now = Container("main"), other = Container("proxy");
  rows_.Add(before, 100, seconds(90));
  rows_.Add(now, 30, seconds(1));
  rows_.Add(other, 7, milliseconds(9'999));
  rows_.Show();
  EXPECT_EQ(Of("bytes", "main"), 130);
  EXPECT_EQ(Of("seconds", "main"), 90);
  EXPECT_EQ(Of("bytes", "proxy"), -1) << "a moment is no lag";
  EXPECT_EQ(MetricOf(metrics_, "hinomi_containers_lagging"), 1);

  rows_.Add(other, 7, seconds(10));
  rows_.Show();
  EXPECT_EQ(Of("bytes", "main"), -1) << "it has caught up";
  EXPECT_EQ(Of("seconds", "proxy"), 10);
  rows_.Show();
  EXPECT_THAT(metrics_.Expose(), Not(HasSubstr("hinomi_log_lag_bytes{")));
  EXPECT_EQ(MetricOf(metrics_, "hinomi_containers_lagging"), 0);
}

TEST_F(LagRowsTest, NamesThoseThatWaitLongest) {
  const PodInfo a = Container("a"), b = Container("b"), c = Container("c"), d = Container("d");
  rows_.Add(a, 1, seconds(20));
  rows_.Add(b, 20, seconds(40));
  rows_.Add(c, 300, seconds(30));
  rows_.Add(d, 4000, seconds(15));
  rows_.Show();
  EXPECT_EQ(Of("seconds", "b"), 40);
  EXPECT_EQ(Of("bytes", "c"), 300);
  EXPECT_EQ(Of("bytes", "a"), -1);
  EXPECT_EQ(Of("bytes", "d"), -1);
  EXPECT_EQ(Overflow("bytes"), 4001);
  EXPECT_EQ(Overflow("seconds"), 20);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_containers_lagging"), 4);

  rows_.Add(a, 1, seconds(20));
  rows_.Add(b, 20, seconds(40));
  rows_.Show();
  EXPECT_EQ(Of("bytes", "a"), 1) << "there is room for as many as there may be";
  EXPECT_EQ(Overflow("bytes"), -1);
}

}  // namespace
}  // namespace hinomi
