#include "base/time_zone.h"

#include <absl/time/time.h>
#include <fmt/core.h>

#include <algorithm>

namespace hinomi {
namespace {

constexpr int64_t kDaySeconds = 86'400;

}  // namespace

struct TimeZone::Zone {
  absl::TimeZone zone;
};

Result<TimeZone> TimeZone::Load(const std::string& name) {
  auto loaded = std::make_shared<Zone>();
  if (name.empty() || !absl::LoadTimeZone(name, &loaded->zone)) {
    return Error{ErrorKind::kConfig,
                 fmt::format("cannot find the time zone \"{}\": expected a name such as Asia/Tokyo "
                             "or UTC; is tzdata installed?",
                             name)};
  }
  return TimeZone(std::move(loaded));
}

LocalDay TimeZone::DayAt(int64_t seconds) const {
  const absl::Time time = absl::FromUnixSeconds(seconds);
  const absl::TimeZone::CivilInfo civil = zone_->zone.At(time);
  const absl::CivilDay date(civil.cs);
  const int64_t into_day = civil.cs - absl::CivilSecond(date);
  LocalDay day = {static_cast<int>(date.year()), date.month(), date.day(), seconds - into_day,
                  seconds - into_day + kDaySeconds};
  absl::TimeZone::CivilTransition transition;
  if (zone_->zone.NextTransition(time, &transition)) {
    day.end = std::min(day.end, absl::ToUnixSeconds(zone_->zone.At(transition.to).trans));
  }
  // What begins at this very second has begun.
  if (zone_->zone.PrevTransition(time + absl::Seconds(1), &transition)) {
    day.begin = std::max(day.begin, absl::ToUnixSeconds(zone_->zone.At(transition.to).trans));
  }
  return day;
}

}  // namespace hinomi
