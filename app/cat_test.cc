#include "app/cat.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/sink/archive.h"
#include "shipper/sink/archive_fixture.h"

namespace hinomi {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class CatTest : public ::testing::Test {
 protected:
  CatTest() {
    FakeLog web("web-0");
    for (const int hour : {7, 7, 8, 9}) web.Add(hour);
    FakeLog proxy("web-0", "proxy");
    proxy.Add(7);
    FakeLog job("job-1");
    job.Add(8);
    Batch batch;
    for (const FakeLog* log : {&web, &proxy, &job}) {
      log->AddTo(&batch, 0, log->size());
      for (size_t i = 0; i < log->size(); ++i) texts_.push_back(log->Text(i));
    }
    ArchiveSink::Options options{.name = "files", .cluster = "demo", .config = {}};
    options.config.directory = directory_.path();
    ArchiveSink(std::move(options), {files_, clock_, metrics_}).Deliver(batch, 0, {});
  }

  struct Printed {
    bool well = false;
    std::string out, errors;
  };
  Printed Print(CatOptions options) {
    if (options.directory.empty()) options.directory = directory_.path();
    std::FILE* const out = std::tmpfile();
    std::FILE* const errors = std::tmpfile();
    Printed printed;
    printed.well = Cat(options, files_, out, errors);
    for (const auto& [file, text] : {std::pair(out, &printed.out), {errors, &printed.errors}}) {
      std::rewind(file);
      for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) *text += static_cast<char>(c);
      std::fclose(file);
    }
    return printed;
  }
  // The texts with these indices, one after another.
  std::string Texts(std::initializer_list<int> indices) const {
    std::string texts;
    for (const int index : indices) texts += texts_[static_cast<size_t>(index)];
    return texts;
  }
  static Duration At(const std::string& time) { return *ParseCatTime(time, Duration{0}); }

  TemporaryDirectory directory_;
  PosixFileSystem files_;
  ManualClock clock_;
  Metrics metrics_;
  std::vector<std::string> texts_;  // web-0: 0 to 3, proxy: 4, job: 5
};

TEST_F(CatTest, PrintsWhatIsAskedFor) {
  const CatOptions everything;
  const auto with = [&](auto change) {
    CatOptions options;
    change(options);
    return options;
  };
  const struct {
    CatOptions options;
    std::string want;
  } kCases[] = {
      {everything, Texts({5, 0, 1, 2, 3, 4})},
      {with([](CatOptions& o) { o.namespace_pattern = "pr*"; }), Texts({5, 0, 1, 2, 3, 4})},
      {with([](CatOptions& o) { o.namespace_pattern = "test"; }), ""},
      {with([](CatOptions& o) { o.pod_pattern = "job-?"; }), Texts({5})},
      {with([](CatOptions& o) { o.container_pattern = "proxy"; }), Texts({4})},
      {with([](CatOptions& o) { o.text = "\"n\":1"; }), Texts({1})},
      {with([](CatOptions& o) { o.since = At("2026-11-21T08:00"); }), Texts({5, 2, 3})},
      {with([](CatOptions& o) { o.until = At("2026-11-21T08:00"); }), Texts({0, 1, 4})},
      {with([](CatOptions& o) { o.since = At("2026-11-21T08:00:01"); }), Texts({3})},
      {with([](CatOptions& o) { o.since = At("2026-11-22"); }), ""},
  };
  for (const auto& [options, want] : kCases) {
    const Printed printed = Print(options);
    EXPECT_EQ(printed.out, want);
    EXPECT_EQ(printed.errors, "");
    EXPECT_TRUE(printed.well);
  }
}

TEST_F(CatTest, SkipsATornTailAndSaysSo) {
  directory_.Append("demo/prod/job-1/main/2026-11-21/08.ndjson.zst.partial",
                    EncodeArchiveLabel({1000, {}}));
  const Printed printed = Print({});
  EXPECT_EQ(printed.out, Texts({5, 0, 1, 2, 3, 4}));
  EXPECT_THAT(printed.errors, HasSubstr("ends with 40 bytes of a write that is not finished"));
  EXPECT_TRUE(printed.well);
}

TEST_F(CatTest, ReadsOnBehindWhatIsDamaged) {
  directory_.Append("demo/prod/job-1/main/2026-11-21/07.ndjson.zst", "no archive");
  const Printed printed = Print({});
  EXPECT_EQ(printed.out, Texts({5, 0, 1, 2, 3, 4}));
  EXPECT_THAT(printed.errors, HasSubstr("cannot read all of"));
  EXPECT_FALSE(printed.well);
}

TEST_F(CatTest, ReadsZstdDataOfOthers) {
  const std::string_view text = "any line\nand one without its end";
  ZstdCompressor compressor(1);
  directory_.Append("demo/prod/job-1/main/2026-11-21/07.ndjson.zst",
                    std::string(compressor.Compress({&text, 1})));
  CatOptions options;
  options.text = "without";
  EXPECT_EQ(Print(options).out, "and one without its end");
}

TEST_F(CatTest, PrintsPlainLinesByTheirHours) {
  const std::string_view text = "plain\n  {\"@timestamp\":\"1999-01-01T00:00:00Z\"}\n";
  ZstdCompressor compressor(1);
  directory_.Append("demo/prod/job-1/main/2026-11-21/07.log.zst",
                    std::string(compressor.Compress({&text, 1})));
  CatOptions options;
  options.pod_pattern = "job-1";
  options.since = std::chrono::hours(498679) + std::chrono::minutes(30);
  options.until = *options.since + std::chrono::minutes(1);
  EXPECT_EQ(Print(options).out, text);
  options.text = "plain";
  EXPECT_EQ(Print(options).out, "plain\n");
  options.since = *options.since + std::chrono::hours(1);
  options.until.reset();
  options.text.clear();
  EXPECT_EQ(Print(options).out, "");
}

TEST_F(CatTest, RefusesWhatIsNoArchive) {
  const TemporaryDirectory empty;
  CatOptions options;
  options.directory = empty.path();
  EXPECT_THAT(Print(options).errors, HasSubstr("it is no archive; expected"));
  EXPECT_FALSE(Print(options).well);
  options.directory = empty / "missing";
  EXPECT_THAT(Print(options).errors, HasSubstr("missing\": No such file or directory"));
  EXPECT_FALSE(Print(options).well);
  options.directory = directory_ / "demo";
  EXPECT_THAT(Print(options).errors, HasSubstr("it is no archive; expected"));
}

TEST_F(CatTest, EndsQuietlyWhenNobodyReads) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  std::FILE* const out = fdopen(ends[1], "w");
  CatOptions options;
  options.directory = directory_.path();
  EXPECT_TRUE(Cat(options, files_, out, stderr));
  std::fclose(out);
}

TEST(CatTime, IsATimeOrADuration) {
  constexpr Duration kNow = std::chrono::seconds(1795246000);
  const struct {
    std::string text;
    int64_t want;
  } kCases[] = {
      {"90m", 1795246000 - 90 * 60},
      {"2026-11-21", 1795219200},
      {"2026-11-21T07:25", 1795245900},
      {"2026-11-21 07:25", 1795245900},
      {"2026-11-21T07:25Z", 1795245900},
      {"2026-11-21T07:25:14", 1795245914},
      {"2026-11-21T07:25:14.000Z", 1795245914},
      {"2026-11-21T16:25+09:00", 1795245900},
      {"2026-11-21T03:25:14-04:00", 1795245914},
  };
  for (const auto& [text, want] : kCases) {
    const Result<Duration> time = ParseCatTime(text, kNow);
    ASSERT_TRUE(time.ok()) << text;
    EXPECT_EQ(*time, std::chrono::seconds(want)) << text;
  }
  for (const std::string text : {"", "yesterday", "2026-11", "2026-11-21T", "2026-11-21T07",
                                 "2026-11-21T25:61:61x", "12", "Z"}) {
    EXPECT_FALSE(ParseCatTime(text, kNow).ok()) << text;
  }
}

}  // namespace
}  // namespace hinomi
