#include "collector/reference.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "collector/collector.h"

namespace hinomi {
namespace {

TEST(MetricsReference, IsTheOneInDocs) {
  std::ifstream file(HINOMI_METRICS_PAGE);
  const std::string page(std::istreambuf_iterator<char>(file), {});
  EXPECT_NE(page.find(MetricsReference()), std::string::npos)
      << "put what `hinomi config --metrics` prints at the end of docs/metrics.md";
}

TEST(MetricsReference, NoGroupOfTheNodeIsThereTwice) {
  std::set<std::string_view> names, metrics;
  for (const CollectorKind& kind : NodeCollectors()) {
    EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    for (const MetricInfo& metric : kind.metrics) {
      EXPECT_TRUE(metrics.insert(metric.name).second) << metric.name;
      EXPECT_FALSE(metric.help.empty()) << metric.name;
      EXPECT_TRUE(metric.help.ends_with('.')) << metric.name;
      EXPECT_FALSE(metric.source.empty()) << metric.name;
    }
  }
}

}  // namespace
}  // namespace hinomi
