#include "shipper/sink/archive_format.h"

#include <gmock/gmock.h>

namespace hinomi {
namespace {

using ::testing::Optional;

const ArchiveLabel kLabel = {123456, {{1, 2, 3, 4}, {~0ull, 5, 0, ~0ull}}};

TEST(ArchiveLabel, IsReadAsItWasWritten) {
  for (const ArchiveLabel& label : {kLabel, ArchiveLabel{}}) {
    const std::string bytes = EncodeArchiveLabel(label);
    EXPECT_EQ(bytes.size(), ArchiveLabelBytes(label.claims.size()));
    EXPECT_THAT(ArchiveLabelLength(bytes.substr(0, kArchiveLabelBytesMin)), Optional(bytes.size()));
    const Result<ArchiveLabel> read = DecodeArchiveLabel(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->data_bytes, label.data_bytes);
    EXPECT_EQ(read->claims, label.claims);
  }
}

TEST(ArchiveLabel, NoticesEveryChange) {
  const std::string bytes = EncodeArchiveLabel(kLabel);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeArchiveLabel(bytes.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(DecodeArchiveLabel(bytes + '\0').ok());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(DecodeArchiveLabel(damaged).ok()) << bit;
  }
}

TEST(ArchiveLabel, IsToldFromWhatACrashDoesNotLeave) {
  const std::string bytes = EncodeArchiveLabel(kLabel);
  EXPECT_TRUE(MayBeTornLabel(bytes.substr(0, 1)));
  EXPECT_TRUE(MayBeTornLabel(bytes.substr(0, 20)));
  EXPECT_TRUE(MayBeTornLabel(std::string(100, '\0')));
  EXPECT_FALSE(MayBeTornLabel("\x28\xb5\x2f\xfd frame of somebody else"));
  EXPECT_FALSE(MayBeTornLabel("{\"text\":1}"));
}

TEST(ArchiveTime, IsReadInEveryForm) {
  constexpr auto kSecond = std::chrono::seconds(1795245914);
  const struct {
    std::string_view time;
    std::optional<Duration> want;
  } kCases[] = {
      {"2026-11-21T07:25:14Z", kSecond},
      {"2026-11-21T07:25:14.5Z", kSecond + std::chrono::milliseconds(500)},
      {"2026-11-21T07:25:14.000000001Z", kSecond + std::chrono::nanoseconds(1)},
      {"2026-11-21T16:25:14+09:00", kSecond},
      {"2026-11-21T03:55:14.25-03:30", kSecond + std::chrono::milliseconds(250)},
      {"1970-01-01T00:00:00Z", Duration{0}},
      {"1969-12-31T23:59:59Z", {}},
      {"9999-12-31T23:59:59Z", {}},
      {"0226-11-01T16:25:13Z", {}},
      {"2026-13-21T07:25:14Z", {}},
      {"2026-02-30T07:25:14Z", {}},
      {"2026-11-21 07:25:14Z", {}},
      {"2026-11-21T07:25:14", {}},
      {"2026-11-21T07:25:14.1234567890Z", {}},
      {"2026-11-21T-7:25:14Z", {}},
      {"", {}},
      {"Z", {}},
  };
  for (const auto& [time, want] : kCases) EXPECT_EQ(ParseArchiveTime(time), want) << time;
}

TEST(ArchiveHours, AreThoseOfTheRecords) {
  constexpr int64_t kSeven = 498679;  // 2026-11-21T07 since the epoch
  const struct {
    std::string_view record;
    int64_t want;
  } kCases[] = {
      {R"({"@timestamp":"2026-11-21T07:00:00Z","a":1})", kSeven},
      {R"({"@timestamp":"2026-11-21T07:59:59.999999999Z","a":1})", kSeven},
      {R"({"@timestamp":"2026-11-21T08:00:00Z","a":1})", kSeven + 1},
      {R"({"@timestamp":"2026-11-21T08:00:00+01:00","a":1})", kSeven},
      {R"({"@timestamp":"2026-11-21T08:00:00+02:00","a":1})", kSeven - 1},
      {R"({"@timestamp":"2026-11-21T12:29:59+05:30","a":1})", kSeven - 1},
      {R"({"@timestamp":"2026-11-21T12:30:00+05:30","a":1})", kSeven},
      {R"({"@timestamp":"nonsense","a":1})", 0},
      {R"({"@timestamp":"2026-11-21T07:00:00 or so...........","a":1})", 0},
      {R"({"a":1})", 0},
      {"", 0},
  };
  ArchiveHours hours;
  for (int round = 0; round < 2; ++round) {
    for (const auto& [record, want] : kCases) {
      EXPECT_EQ(hours.HourOf(ArchiveRecordTimeText(record)), want) << record;
    }
  }
  EXPECT_EQ(ArchiveDate(kSeven), "2026-11-21");
  EXPECT_EQ(ArchiveHourName(kSeven), "07");
}

TEST(ArchiveNames, AreSafe) {
  const struct {
    std::string_view name, want;
  } kCases[] = {
      {"web-7d9f8c6b5d-x2v4q", "web-7d9f8c6b5d-x2v4q"},
      {"a.b_c", "a.b_c"},
      {"", "_"},
      {".", "_"},
      {"..", "_."},
      {"../../etc", "_._.._etc"},
      {"a/b", "a_b"},
      {std::string_view("a\0b\n", 4), "a_b_"},
      {".hidden", "_hidden"},
  };
  for (const auto& [name, want] : kCases) EXPECT_EQ(ArchiveComponent(name), want);
  EXPECT_EQ(ArchiveComponent(std::string(1000, 'x')).size(), 255u);
}

TEST(ArchiveNames, OfFilesAreKnownAgain) {
  const auto hour_of = [](std::string_view date, std::string_view name) {
    const std::optional<ArchiveFileName> file = ParseArchiveFileName(date, name);
    return file ? file->hour : -1;
  };
  EXPECT_EQ(hour_of("2026-11-21", "07.ndjson.zst"), 498679);
  EXPECT_EQ(hour_of("2026-11-21", "07.ndjson.zst.partial"), 498679);
  EXPECT_EQ(hour_of("2026-11-21", "07.damaged-1.ndjson.zst"), 498679);
  EXPECT_EQ(hour_of("2026-11-21", "07.log.zst.partial"), 498679);
  EXPECT_EQ(ParseArchiveFileName("2026-11-21", "07.log.zst")->format, ArchiveFormat::kLines);
  EXPECT_EQ(ParseArchiveFileName("2026-11-21", "07.ndjson.zst")->format, ArchiveFormat::kJson);
  EXPECT_TRUE(ParseArchiveFileName("2026-11-21", "07.ndjson.zst")->plain);
  EXPECT_FALSE(ParseArchiveFileName("2026-11-21", "07.damaged-1.ndjson.zst")->plain);
  EXPECT_TRUE(ParseArchiveFileName("2026-11-21", "07.ndjson.zst.partial")->open);
  EXPECT_FALSE(ParseArchiveFileName("2026-11-21", "07.ndjson.zst")->open);
  for (const std::string_view name :
       {"7.ndjson.zst", "24.ndjson.zst", "07.ndjson", "07x.ndjson.zst", ".ndjson.zst", "", "07"}) {
    EXPECT_EQ(hour_of("2026-11-21", name), -1) << name;
  }
  EXPECT_EQ(hour_of("2026-11-31", "07.ndjson.zst"), -1);
  EXPECT_EQ(hour_of("lost+found", "07.ndjson.zst"), -1);
}

}  // namespace
}  // namespace hinomi
