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
constexpr std::string_view kJsonSuffix = ".ndjson.zst";
constexpr std::string_view kLinesSuffix = ".log.zst";
constexpr size_t kHourBytes = 13;    // 2026-11-21T07
constexpr size_t kSecondBytes = 19;  // 2026-11-21T07:26:54
constexpr size_t kOffsetBytes = 6;   // +09:00
constexpr size_t kFractionDigits = 9;
constexpr int64_t kDaysMax = 100'000;  // in 2243: nanoseconds are counted in 63 bits

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
  const std::string_view magic(wanted, sizeof head.magic);
  const std::string_view seen = bytes.substr(0, magic.size());
  return magic.starts_with(seen.substr(0, seen.find_last_not_of('\0') + 1));
}

std::optional<Duration> ParseArchiveTime(std::string_view time) {
  const size_t zone_bytes = time.ends_with('Z') ? 1 : kOffsetBytes;
  if (time.size() < kSecondBytes + zone_bytes || time[10] != 'T' || time[13] != ':' ||
      time[16] != ':') {
    return {};
  }
  const auto days = DaysOf(time.substr(0, 10));
  const auto hour = Digits(time.substr(11, 2));
  const auto minute = Digits(time.substr(14, 2));
  const auto second = Digits(time.substr(17, 2));
  if (!days || *days < 0 || *days > kDaysMax || !hour || !minute || !second) return {};
  Duration at = std::chrono::hours(*days * 24 + *hour) + std::chrono::minutes(*minute) +
                std::chrono::seconds(*second);
  const std::string_view fraction =
      time.substr(kSecondBytes, time.size() - kSecondBytes - zone_bytes);
  if (!fraction.empty()) {
    if (fraction[0] != '.' || fraction.size() > kFractionDigits + 1) return {};
    std::string digits(fraction.substr(1));
    digits.resize(kFractionDigits, '0');
    const auto nanoseconds = Digits(digits);
    if (!nanoseconds) return {};
    at += std::chrono::nanoseconds(*nanoseconds);
  }
  if (zone_bytes == kOffsetBytes) {
    const std::string_view zone = time.substr(time.size() - kOffsetBytes);
    const auto hours = Digits(zone.substr(1, 2));
    const auto minutes = Digits(zone.substr(4, 2));
    if (!hours || !minutes || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return {};
    const Duration offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
    at += zone[0] == '-' ? offset : -offset;
  }
  return at >= Duration{0} ? at : std::optional<Duration>();
}

std::string_view ArchiveRecordTimeText(std::string_view record) {
  if (!record.starts_with(kTimePrefix)) return {};
  const std::string_view text = record.substr(kTimePrefix.size());
  return text.substr(0, text.find('"'));
}

std::optional<Duration> ArchiveRecordTime(std::string_view record) {
  return ParseArchiveTime(ArchiveRecordTimeText(record));
}

int64_t ArchiveHours::HourOf(std::string_view time) {
  if (time.size() <= kSecondBytes) return 0;
  const std::string_view hour = time.substr(0, kHourBytes);
  const std::string_view zone = time.substr(time.size() - (time.ends_with('Z') ? 1 : kOffsetBytes));
  // An offset that is no whole hour makes the minutes count: those times are always computed.
  const bool whole_hours = zone == "Z" || zone.ends_with(":00");
  if (whole_hours && hour == last_hour_ && zone == last_zone_) return last_;
  last_hour_ = hour;
  last_zone_ = zone;
  last_ =
      std::chrono::duration_cast<std::chrono::hours>(ParseArchiveTime(time).value_or(Duration{0}))
          .count();
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

std::string_view ArchiveSuffix(ArchiveFormat format) {
  return format == ArchiveFormat::kLines ? kLinesSuffix : kJsonSuffix;
}

std::optional<ArchiveFileName> ParseArchiveFileName(std::string_view date, std::string_view name) {
  const std::optional<int64_t> days = DaysOf(date);
  ArchiveFileName file;
  if (!days || *days < 0) return {};
  file.open = name.ends_with(kArchiveOpen);
  if (file.open) name.remove_suffix(kArchiveOpen.size());
  if (name.ends_with(kLinesSuffix)) file.format = ArchiveFormat::kLines;
  const std::string_view suffix = ArchiveSuffix(file.format);
  if (!name.ends_with(suffix)) return {};
  const std::string_view stem = name.substr(0, name.size() - suffix.size());
  // Behind the hour there may be more: a file that was set aside.
  if (stem.size() < 2 || (stem.size() > 2 && stem[2] != '.')) return {};
  const std::optional<int> of_day = Digits(stem.substr(0, 2));
  if (!of_day || *of_day > 23) return {};
  file.hour = *days * 24 + *of_day;
  file.plain = stem.size() == 2;
  return file;
}

}  // namespace hinomi
