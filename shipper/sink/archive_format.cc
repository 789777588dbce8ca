#include "shipper/sink/archive_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"

namespace hinomi {
namespace {

static_assert(std::endian::native == std::endian::little, "a label is little-endian words");

// A label: magic and length as every skippable frame has them, then ours.
struct LabelHead {
  uint32_t magic = 0x184D2A55;
  uint32_t size = 0;                                         // of what follows
  char tag[8] = {'h', 'i', 'n', 'o', 'm', 'i', '\0', '\1'};  // the last is the version
  uint64_t checksum = 0;                                     // of what follows
  uint64_t data_bytes = 0;
  uint64_t claims = 0;
};
static_assert(sizeof(LabelHead) == kArchiveLabelBytesMin);
static_assert(sizeof(ArchiveClaim) == 32);

constexpr size_t kFrameHeadBytes = 8;
constexpr size_t kCheckedFrom = offsetof(LabelHead, data_bytes);
constexpr size_t kNameBytesMax = 255;

constexpr std::string_view kTimePrefix = "{\"@timestamp\":\"";
constexpr size_t kHourBytes = 13;     // 2026-11-21T07
constexpr size_t kTimeBytesMin = 20;  // 2026-11-21T07:26:54Z
constexpr size_t kOffsetBytes = 6;    // +09:00
constexpr int64_t kMinutesPerHour = 60;

std::optional<int> Digits(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text[0] == '-') return {};
  return value;
}

std::optional<int64_t> DaysOf(std::string_view date) {
  if (date.size() != 10 || date[4] != '-' || date[7] != '-') return {};
  const auto year = Digits(date.substr(0, 4));
  const auto month = Digits(date.substr(5, 2));
  const auto day = Digits(date.substr(8, 2));
  if (!year || !month || !day) return {};
  const std::chrono::year_month_day parts(std::chrono::year(*year),
                                          std::chrono::month(static_cast<unsigned>(*month)),
                                          std::chrono::day(static_cast<unsigned>(*day)));
  if (!parts.ok()) return {};
  return std::chrono::sys_days(parts).time_since_epoch().count();
}

// `hour` reads 2026-11-21T07, `minute` is of that hour, `zone` is Z or an offset.
std::optional<int64_t> UtcHour(std::string_view hour, int minute, std::string_view zone) {
  const std::optional<int64_t> days = DaysOf(hour.substr(0, 10));
  const std::optional<int> of_day = Digits(hour.substr(11, 2));
  if (!days || !of_day) return {};
  int64_t minutes = (*days * 24 + *of_day) * kMinutesPerHour + minute;
  if (zone != "Z") {
    const auto hours = Digits(zone.substr(1, 2));
    const auto rest = Digits(zone.substr(4, 2));
    if (!hours || !rest) return {};
    const int64_t offset = *hours * kMinutesPerHour + *rest;
    minutes += zone[0] == '-' ? offset : -offset;
  }
  return minutes >= 0 ? minutes / kMinutesPerHour : std::optional<int64_t>();
}

std::chrono::sys_days DayOf(int64_t hour) {
  return std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::hours>(std::chrono::hours(hour)));
}

}  // namespace

uint64_t ArchiveLabelBytes(size_t claims) {
  return sizeof(LabelHead) + claims * sizeof(ArchiveClaim);
}

std::string EncodeArchiveLabel(const ArchiveLabel& label) {
  CHECK(label.claims.size() <= kArchiveClaimsMax);
  LabelHead head;
  std::string out(ArchiveLabelBytes(label.claims.size()), '\0');
  head.size = static_cast<uint32_t>(out.size() - kFrameHeadBytes);
  head.data_bytes = label.data_bytes;
  head.claims = label.claims.size();
  std::memcpy(out.data(), &head, sizeof head);
  if (!label.claims.empty()) {
    std::memcpy(out.data() + sizeof head, label.claims.data(),
                label.claims.size() * sizeof(ArchiveClaim));
  }
  head.checksum = Hash64Of(std::string_view(out).substr(kCheckedFrom));
  std::memcpy(out.data(), &head, sizeof head);
  return out;
}

std::optional<uint64_t> ArchiveLabelLength(std::string_view bytes) {
  if (bytes.size() < sizeof(LabelHead)) return {};
  LabelHead head;
  std::memcpy(&head, bytes.data(), sizeof head);
  const LabelHead wanted;
  if (head.magic != wanted.magic || std::memcmp(head.tag, wanted.tag, sizeof head.tag) != 0) {
    return {};
  }
  const uint64_t length = uint64_t{head.size} + kFrameHeadBytes;
  if (head.claims > kArchiveClaimsMax || length != ArchiveLabelBytes(head.claims)) return {};
  return length;
}

Result<ArchiveLabel> DecodeArchiveLabel(std::string_view bytes) {
  const std::optional<uint64_t> length = ArchiveLabelLength(bytes);
  if (!length || *length != bytes.size()) {
    return Error{ErrorKind::kCorrupt, "cannot read a label: it is not of the format"};
  }
  LabelHead head;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.checksum != Hash64Of(bytes.substr(kCheckedFrom))) {
    return Error{ErrorKind::kCorrupt, "cannot read a label: its checksum does not match"};
  }
  ArchiveLabel label{head.data_bytes, std::vector<ArchiveClaim>(head.claims)};
  if (head.claims > 0) {
    std::memcpy(label.claims.data(), bytes.data() + sizeof head,
                head.claims * sizeof(ArchiveClaim));
  }
  return label;
}

bool MayBeTornLabel(std::string_view bytes) {
  const LabelHead head;
  char wanted[sizeof head];
  std::memcpy(wanted, &head, sizeof head);
  const std::string_view magic = std::string_view(wanted, sizeof head.magic);
  const std::string_view seen = bytes.substr(0, magic.size());
  return magic.starts_with(seen) ||
         std::all_of(seen.begin(), seen.end(), [](char c) { return c == '\0'; });
}

int64_t ArchiveHours::HourOf(std::string_view record) {
  if (!record.starts_with(kTimePrefix)) return 0;
  const std::string_view text = record.substr(kTimePrefix.size());
  const std::string_view time = text.substr(0, text.find('"'));
  if (time.size() < kTimeBytesMin) return 0;
  const std::string_view hour = time.substr(0, kHourBytes);
  const std::string_view zone =
      time.substr(time.back() == 'Z' ? time.size() - 1 : time.size() - kOffsetBytes);
  // An offset of a half or quarter hour moves the minutes too, so such times are always computed.
  const bool whole_hours = zone == "Z" || zone.ends_with(":00");
  if (whole_hours && hour == last_hour_ && zone == last_zone_) return last_;
  const std::optional<int> minute = Digits(time.substr(kHourBytes + 1, 2));
  last_hour_ = hour;
  last_zone_ = zone;
  last_ = minute ? UtcHour(hour, *minute, zone).value_or(0) : 0;
  return last_;
}

std::string ArchiveComponent(std::string_view name) {
  std::string component(name.substr(0, kNameBytesMax));
  for (char& c : component) {
    if (c == '/' || static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '_';
  }
  // A leading dot would hide it, and is what "." and ".." begin with.
  if (component.empty()) component = "_";
  if (component[0] == '.') component[0] = '_';
  return component;
}

std::string ArchiveDate(int64_t hour) {
  const std::chrono::year_month_day day(DayOf(hour));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

std::string ArchiveHourName(int64_t hour) { return fmt::format("{:02}", hour % 24); }

std::optional<ArchiveFileName> ParseArchiveFileName(std::string_view date, std::string_view name) {
  const std::optional<int64_t> days = DaysOf(date);
  ArchiveFileName file;
  file.open = name.ends_with(kArchiveOpenSuffix);
  if (!days || *days < 0 || name.size() < 2) return {};
  if (!file.open && !name.ends_with(kArchiveSuffix)) return {};
  const std::string_view stem =
      name.substr(0, name.size() - (file.open ? kArchiveOpenSuffix : kArchiveSuffix).size());
  // Behind the hour there may be more: a file that was set aside.
  if (stem.size() < 2 || (stem.size() > 2 && stem[2] != '.')) return {};
  const std::optional<int> of_day = Digits(stem.substr(0, 2));
  if (!of_day || *of_day > 23) return {};
  file.hour = *days * 24 + *of_day;
  return file;
}

}  // namespace hinomi
