#include "shipper/event.h"

#include <gmock/gmock.h>

namespace hinomi {
namespace {

using ::testing::ElementsAre;

constexpr Duration kAt{1'795'000'000'000'000'007};

TEST(Event, IsALineOfTheRuntimesFormat) {
  const Event event{.action = EventAction::kContainerDied,
                    .message = "ended \"badly\"\n\x1b",
                    .details = {{"exit_code", int64_t{137}}, {"reason", "OOM\xff"}},
                    .last_lines = {"a", "b\\"}};
  EXPECT_EQ(
      EventLine(event, kAt),
      "2026-11-18T11:06:40.000000007Z stdout F {\"message\":\"ended \\\"badly\\\"\\n\\u001b\","
      "\"hinomi\":{\"event\":{\"action\":\"container-died\",\"exit_code\":137,"
      "\"reason\":\"OOM\xef\xbf\xbd\",\"last_lines\":[\"a\",\"b\\\\\"]}}}\n");
}

TEST(Event, IsReadAsItWasWritten) {
  for (size_t i = 0; i < kEventActions; ++i) {
    const auto action = static_cast<EventAction>(i);
    std::string line = EventLine({action, "m\t", {{"bytes", int64_t{1}}}, {"x\n", ""}}, kAt);
    line.pop_back();
    const Result<EventText> text = ParseEventLine(line);
    ASSERT_TRUE(text) << line;
    EXPECT_EQ(text->action, ToString(action));
    EXPECT_EQ(text->message, "m\t");
    EXPECT_EQ(text->time, "2026-11-18T11:06:40.000000007Z");
    EXPECT_THAT(text->last_lines, ElementsAre("x\n", ""));
  }
}

TEST(Event, WhatIsNoneIsRefused) {
  const std::string kHead = "2026-11-18T11:06:40Z stdout F ";
  for (const std::string& line :
       {std::string(), std::string("text"), kHead, kHead + "text", kHead + "[1]", kHead + "{}",
        kHead + R"({"message":"a"})", kHead + R"({"message":"a","hinomi":{"event":1}})",
        kHead + R"({"message":"a","hinomi":{"event":{}}})",
        kHead + R"({"hinomi":{"event":{"action":"sink-up"}}})",
        kHead + R"({"message":"a","hinomi":{"event":{"action":"sink-up")"}) {
    EXPECT_FALSE(ParseEventLine(line)) << line;
  }
}

}  // namespace
}  // namespace hinomi
