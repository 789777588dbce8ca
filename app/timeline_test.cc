#include "app/timeline.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/temporary_directory.h"
#include "shipper/event.h"

namespace hinomi {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Duration kStart = std::chrono::seconds(1'795'000'000);  // 2026-11-18T11:06:40Z

class TimelineTest : public ::testing::Test {
 protected:
  TimelineTest() {
    Write("prod_web-0_7/main/2.log.20261118-110700", 0,
          {EventAction::kBytesLost, "7 bytes are lost", {}});
    Write(
        "prod_web-0_7/main/2.log", 20,
        {EventAction::kContainerDied, "ended", {{"exit_code", int64_t{1}}}, {"last\x1b[31m", "x"}});
    Write("hinomi_agent_agent/hinomi/0.log", 10, {EventAction::kSinkDown, "sink \"a\"", {}});
    Write("test_db_8/main/0.log", 30, {EventAction::kFileLost, "gone \xc2\x9b 火", {}});
    directory_.Append("test_db_8/main/0.log", "no event\nand a torn li");
    directory_.Append("test_db_8/main/other", "x");
    directory_.Append("x/y/0.log", "x");
    directory_.Append("last", "x");
  }
  void Write(const std::string& path, int second, const Event& event) {
    directory_.Append(path, EventLine(event, kStart + std::chrono::seconds(second)));
  }

  struct Printed {
    bool well = false;
    std::string out, errors;
  };
  Printed Print(TimelineOptions options) {
    if (options.directory.empty()) options.directory = directory_.path();
    std::FILE* const out = std::tmpfile();
    std::FILE* const errors = std::tmpfile();
    Printed printed;
    printed.well = Timeline(options, files_, out, errors);
    for (const auto& [file, text] : {std::pair(out, &printed.out), {errors, &printed.errors}}) {
      std::rewind(file);
      for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) *text += static_cast<char>(c);
      std::fclose(file);
    }
    return printed;
  }

  TemporaryDirectory directory_;
  PosixFileSystem files_;
};

constexpr char kLost[] =
    "2026-11-18T11:06:40.000Z  bytes-lost             prod/web-0/main restart 2: 7 bytes are "
    "lost\n";
constexpr char kDown[] =
    "2026-11-18T11:06:50.000Z  sink-down              hinomi/agent/hinomi: sink \"a\"\n";
constexpr char kDied[] =
    "2026-11-18T11:07:00.000Z  container-died         prod/web-0/main restart 2: ended\n"
    "    | last.[31m\n    | x\n";
constexpr char kGone[] =
    "2026-11-18T11:07:10.000Z  file-lost              test/db/main: gone . 火\n";

TEST_F(TimelineTest, MergesByTimeAndFilters) {
  const std::string lost = kLost, down = kDown, died = kDied, gone = kGone;
  const struct {
    TimelineOptions options;
    std::string want;
  } kCases[] = {
      {{}, lost + down + died + gone},
      {{.namespace_pattern = "prod"}, lost + died},
      {{.namespace_pattern = "*o*"}, lost + down + died},
      {{.pod_pattern = "d?"}, gone},
      {{.namespace_pattern = "prod", .pod_pattern = "db"}, ""},
      {{.since = kStart + std::chrono::seconds(10)}, down + died + gone},
      {{.since = kStart + std::chrono::seconds(31)}, ""},
  };
  for (const auto& [options, want] : kCases) {
    const Printed printed = Print(options);
    EXPECT_EQ(printed.out, want);
    EXPECT_TRUE(printed.well);
    EXPECT_THAT(printed.errors, IsEmpty());
  }
}

TEST_F(TimelineTest, PrintsJson) {
  EXPECT_EQ(Print({.pod_pattern = "db", .json = true}).out,
            "{\"time\":\"2026-11-18T11:07:10.000000000Z\",\"namespace\":\"test\",\"pod\":\"db\","
            "\"uid\":\"8\",\"container\":\"main\",\"restart\":0,\"event\":{\"message\":"
            "\"gone \xc2\x9b 火\",\"hinomi\":{\"event\":{\"action\":\"file-lost\"}}}}\n");
}

TEST_F(TimelineTest, SaysWhatCannotBeRead) {
  const Printed none = Print({.directory = directory_ / "nowhere"});
  EXPECT_FALSE(none.well);
  EXPECT_THAT(none.errors, HasSubstr("nowhere"));
}

}  // namespace
}  // namespace hinomi
