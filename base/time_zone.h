// Which day it is somewhere. Abseil's time zones stay behind this file; they are those of
// /usr/share/zoneinfo (Debian's tzdata). Knows nothing of logs or indices.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace hinomi {

/// A day of the Gregorian calendar.
struct LocalDay {
  int year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31
  /// Seconds since 1970, [begin, end), that are certainly of it: all of the day, but where clocks
  /// are set in the middle of it only those on the one side.
  int64_t begin = 0;
  int64_t end = 0;
};

/// Copies share what was loaded. Any number of threads.
class TimeZone {
 public:
  /// `name` as in "Asia/Tokyo". Error: config, when there is no such zone on this machine.
  static Result<TimeZone> Load(const std::string& name);

  /// The day at `seconds` since 1970; microseconds of work.
  LocalDay DayAt(int64_t seconds) const;

 private:
  struct Zone;
  explicit TimeZone(std::shared_ptr<const Zone> zone) : zone_(std::move(zone)) {}

  std::shared_ptr<const Zone> zone_;
};

}  // namespace hinomi
