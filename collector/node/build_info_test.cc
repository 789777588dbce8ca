#include "collector/node/build_info.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(BuildInfo, SaysTheVersion) {
  EXPECT_EQ(TestHost().Rows(MakeBuildInfo), "node_exporter_build_info{version=\"1.2.3\"} 1\n");
}

}  // namespace
}  // namespace hinomi
