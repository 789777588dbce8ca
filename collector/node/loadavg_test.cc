#include "collector/node/loadavg.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

TEST(Loadavg, Parses) {
  const Result<LoadAverages> load = ParseLoadavg("0.52 0.58 12.59 2/1039 31415\n");
  ASSERT_TRUE(load);
  EXPECT_EQ(*load, (LoadAverages{0.52, 0.58, 12.59}));
}

TEST(Loadavg, RefusesWhatIsNone) {
  for (const char* text : {"", "0.52", "0.52 0.58\n", "a b c", "0.52 0.58 x 2/3 4"}) {
    EXPECT_FALSE(ParseLoadavg(text)) << text;
  }
}

}  // namespace
}  // namespace hinomi
