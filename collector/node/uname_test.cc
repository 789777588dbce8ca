#include "collector/node/uname.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Uname, NamesTheKernel) {
  EXPECT_NE(TestHost().Rows(MakeUname).find("sysname=\"Linux\""), std::string::npos);
}

}  // namespace
}  // namespace hinomi
