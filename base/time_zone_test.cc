#include "base/time_zone.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/rfc3339.h"

namespace hinomi {
namespace {

int64_t Seconds(std::string_view time) { return MillisecondsOf(time) / 1000; }

std::string DayAt(const std::string& zone, std::string_view time) {
  const LocalDay day = TimeZone::Load(zone)->DayAt(Seconds(time));
  return fmt::format("{}-{:02}-{:02}", day.year, day.month, day.day);
}

TEST(TimeZone, TellsTheDay) {
  const struct {
    const char *zone, *time, *want;
  } kCases[] = {
      {"UTC", "2026-11-22T00:00:00Z", "2026-11-22"},
      {"UTC", "2026-11-21T23:59:59Z", "2026-11-21"},
      {"UTC", "1969-12-31T23:59:59Z", "1969-12-31"},
      {"Asia/Tokyo", "2026-11-22T14:59:59Z", "2026-11-22"},
      {"Asia/Tokyo", "2026-11-22T15:00:00Z", "2026-11-23"},
      {"Asia/Tokyo", "2026-12-31T15:00:00Z", "2027-01-01"},
      {"Asia/Kathmandu", "2026-11-22T18:14:59Z", "2026-11-22"},  // UTC+05:45
      {"Asia/Kathmandu", "2026-11-22T18:15:00Z", "2026-11-23"},
      {"America/New_York", "2026-03-08T04:59:59Z", "2026-03-07"},  // winter: UTC-5
      {"America/New_York", "2026-03-09T03:59:59Z", "2026-03-08"},  // summer: UTC-4
      {"America/New_York", "2026-03-09T04:00:00Z", "2026-03-09"},
      {"Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29"},  // had no 30th of December
      {"Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31"},
      {"Asia/Beirut", "2026-03-28T21:59:59Z", "2026-03-28"},  // has no midnight that day
      {"Asia/Beirut", "2026-03-28T22:00:00Z", "2026-03-29"},
  };
  for (const auto& [zone, time, want] : kCases) EXPECT_EQ(DayAt(zone, time), want) << time;
}

TEST(TimeZone, EverySecondOfTheDayItSaysIsOfThatDay) {
  for (const char* name : {"UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "Asia/Beirut",
                           "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"}) {
    const TimeZone zone = *TimeZone::Load(name);
    for (int64_t at = Seconds("2011-01-01T00:00:00Z"); at < Seconds("2012-02-01T00:00:00Z");) {
      const LocalDay day = zone.DayAt(at);
      ASSERT_TRUE(day.begin <= at && at < day.end) << name << " " << at;
      for (int64_t second : {day.begin, day.begin + 1, (day.begin + day.end) / 2, day.end - 1}) {
        const LocalDay same = zone.DayAt(second);
        ASSERT_EQ(same.day, day.day) << name << " " << second;
        ASSERT_EQ(same.month, day.month) << name << " " << second;
      }
      at = day.end;
    }
  }
}

TEST(TimeZone, OneThatIsNotThere) {
  for (const char* name : {"", "Asia/Edo", "JST-9", "../etc/passwd"}) {
    const auto zone = TimeZone::Load(name);
    ASSERT_FALSE(zone.ok()) << name;
    EXPECT_EQ(zone.error().kind, ErrorKind::kConfig);
  }
}

}  // namespace
}  // namespace hinomi
