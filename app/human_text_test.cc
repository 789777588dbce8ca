#include "app/human_text.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

TEST(HumanTextTest, Bytes) {
  const struct {
    uint64_t bytes;
    const char* want;
  } kCases[] = {
      {0, "0 bytes"},           {1, "1 byte"},          {1023, "1023 bytes"},
      {1024, "1.0 KiB"},        {17'715, "17.3 KiB"},   {102'349, "100 KiB"},
      {1'048'575, "1.0 MiB"},   {1'048'576, "1.0 MiB"}, {5ull << 30, "5.0 GiB"},
      {UINT64_MAX, "16.0 EiB"},
  };
  for (const auto& [bytes, want] : kCases) EXPECT_EQ(HumanBytes(bytes), want) << bytes;
}

TEST(HumanTextTest, Durations) {
  const struct {
    double seconds;
    const char* want;
  } kCases[] = {
      {0, "0.0 s"},   {0.44, "0.4 s"},   {9.94, "9.9 s"},     {9.96, "9 s"},
      {35.9, "35 s"}, {119, "119 s"},    {120, "2 min"},      {7199, "119 min"},
      {7200, "2 h"},  {172'799, "47 h"}, {172'800, "2 days"},
  };
  for (const auto& [seconds, want] : kCases) {
    const auto duration =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    EXPECT_EQ(HumanDuration(duration), want) << seconds;
  }
}

TEST(HumanTextTest, Ordinals) {
  const struct {
    size_t index;
    const char* want;
  } kCases[] = {{0, "1st"},   {1, "2nd"},   {2, "3rd"},     {3, "4th"},    {10, "11th"},
                {11, "12th"}, {20, "21st"}, {110, "111th"}, {121, "122nd"}};
  for (const auto& [index, want] : kCases) EXPECT_EQ(Ordinal(index), want);
}

}  // namespace
}  // namespace hinomi
