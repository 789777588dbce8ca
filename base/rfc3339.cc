#include "base/rfc3339.h"

#include <chrono>
#include <cstdint>
#include <cstring>

namespace hinomi {
namespace {

constexpr size_t kSecondsBytes = 19;  // YYYY-MM-DDTHH:MM:SS
constexpr size_t kTimeBytesMin = kSecondsBytes + 1;
static_assert(kRfc3339BytesMax == kSecondsBytes + 10 + 6);

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

uint64_t Load8(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/// Whether eight bytes look like `pattern`, in which '0' stands for any digit.
bool Matches(const char* bytes, const char (&pattern)[9]) {
  uint64_t allowance = 0;  // what may be added to the difference before its top bit is set
  for (int i = 0; i < 8; ++i) {
    const uint64_t room = pattern[i] == '0' ? 0x76 : 0x7f;
    allowance |= room << (8 * i);
  }
  const uint64_t difference = Load8(bytes) ^ Load8(pattern);
  return ((difference | (difference + allowance)) & 0x8080808080808080u) == 0;
}

int TwoDigits(const char* bytes) { return (bytes[0] - '0') * 10 + (bytes[1] - '0'); }

int DaysOf(int year, int month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/// YYYY-MM-DDTHH:MM:SS; the three overlapping words cover all nineteen bytes.
bool IsDateAndTime(const char* text) {
  if (!Matches(text, "0000-00-") || !Matches(text + 8, "00T00:00") ||
      !Matches(text + 11, "00:00:00")) {
    return false;
  }
  const int month = TwoDigits(text + 5);
  const int day = TwoDigits(text + 8);
  if (month < 1 || month > 12 || day < 1) return false;
  if (day > 28 && day > DaysOf(TwoDigits(text) * 100 + TwoDigits(text + 2), month)) return false;
  return TwoDigits(text + 11) < 24 && TwoDigits(text + 14) < 60 && TwoDigits(text + 17) < 60;
}

bool IsZone(std::string_view zone) {
  if (zone == "Z") return true;
  return zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && IsDigit(zone[1]) &&
         IsDigit(zone[2]) && zone[3] == ':' && IsDigit(zone[4]) && IsDigit(zone[5]) &&
         TwoDigits(&zone[1]) <= 18 && TwoDigits(&zone[4]) < 60;
}

struct UnixTime {
  int64_t seconds = 0;
  int64_t nanoseconds = 0;  // beyond them
};

UnixTime UnixTimeOf(std::string_view time) {
  const char* text = time.data();
  const std::chrono::year_month_day date(
      std::chrono::year(TwoDigits(text) * 100 + TwoDigits(text + 2)),
      std::chrono::month(static_cast<unsigned>(TwoDigits(text + 5))),
      std::chrono::day(static_cast<unsigned>(TwoDigits(text + 8))));
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  int64_t minutes = (days * 24 + TwoDigits(text + 11)) * 60 + TwoDigits(text + 14);
  int64_t nanoseconds = 0;
  size_t at = kSecondsBytes;
  if (time[at] == '.') {
    for (int64_t unit = 100'000'000; IsDigit(time[++at]); unit /= 10) {
      nanoseconds += unit * (time[at] - '0');
    }
  }
  if (time[at] != 'Z') {
    const int64_t ahead = TwoDigits(text + at + 1) * 60 + TwoDigits(text + at + 4);
    minutes += time[at] == '+' ? -ahead : ahead;
  }
  return {minutes * 60 + TwoDigits(text + 17), nanoseconds};
}

}  // namespace

bool IsRfc3339(std::string_view time) {
  if (time.size() < kTimeBytesMin || time.size() > kRfc3339BytesMax || !IsDateAndTime(time.data()))
    return false;
  size_t at = kSecondsBytes;
  if (time[at] == '.') {
    ++at;
    size_t digits = 0;
    while (at + digits < time.size() && IsDigit(time[at + digits])) ++digits;
    if (digits < 1 || digits > 9) return false;
    at += digits;
  }
  return IsZone(time.substr(at));
}

int64_t MillisecondsOf(std::string_view time) {
  const UnixTime unix = UnixTimeOf(time);
  return unix.seconds * 1000 + unix.nanoseconds / 1'000'000;
}

uint64_t UnixNanosecondsOf(std::string_view time) {
  constexpr int64_t kNanoseconds = 1'000'000'000;
  constexpr auto kSecondsMax = static_cast<int64_t>(UINT64_MAX / kNanoseconds);
  const UnixTime unix = UnixTimeOf(time);
  if (unix.seconds < 0 || unix.seconds >= kSecondsMax) return 0;
  return static_cast<uint64_t>(unix.seconds) * kNanoseconds +
         static_cast<uint64_t>(unix.nanoseconds);
}

}  // namespace hinomi
