#include "base/logging.h"

#include <gmock/gmock.h>

namespace hinomi::log {
namespace {

using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

TEST(Log, ThrottlesEachCallSite) {
  CaptureStderr();
  for (int i = 0; i < 30; ++i) Warn("cannot read \"{}\"", i);
  Error("another site");
  const std::string out = GetCapturedStderr();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 11) << out;
  EXPECT_GE(Swallowed(), 20u);
  EXPECT_THAT(out, HasSubstr("another site"));
}

TEST(Log, NeverBreaksItsLines) {
  Configure(Level::kInfo, Format::kJson);
  CaptureStderr();
  Info("a \"quoted\"\nline with \x01 in it");
  Debug("not wanted");
  const std::string out = GetCapturedStderr();
  Configure(Level::kInfo, Format::kText);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1) << out;
  EXPECT_THAT(out, HasSubstr(R"("message":"a \"quoted\"\u000aline with \u0001 in it"})"));
}

}  // namespace
}  // namespace hinomi::log
