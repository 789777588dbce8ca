#include "app/verify.h"

#include <gmock/gmock.h>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/sink/archive.h"
#include "shipper/sink/archive_fixture.h"

namespace hinomi {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr char kSeven[] = "demo/prod/web-0/main/2026-11-21/07.ndjson.zst";
constexpr char kManifest[] = "demo/.manifests/2026-11-21/07.ndjson";

/// Goes on by an hour with every look.
class HastyClock final : public Clock {
 public:
  Duration Monotonic() const override { return now_ += std::chrono::hours(1); }
  Duration Wall() const override { return now_; }

 private:
  mutable Duration now_{0};
};

class VerifyTest : public ::testing::Test {
 protected:
  // Hours 7 and 8 are finished, hour 9 is still written.
  VerifyTest() {
    FakeLog web("web-0");
    for (const int hour : {7, 7, 8, 9}) web.Add(hour);
    Batch batch = web.BatchOf(0, web.size());
    ArchiveSink::Options options{.name = "files", .cluster = "demo", .config = {}};
    options.config.directory = directory_.path();
    sink_ = std::make_unique<ArchiveSink>(std::move(options),
                                          ArchiveSink::Environment{files_, clock_, metrics_});
    sink_->Deliver(batch, 0, {});
    clock_.Advance(std::chrono::hours(498681) - clock_.Wall() + std::chrono::minutes(3));
    sink_->Tidy();
  }

  struct Verified {
    bool well = false;
    std::string out, progress;
  };
  Verified Run(CatOptions options = {}) {
    if (options.directory.empty()) options.directory = directory_.path();
    std::FILE* const out = std::tmpfile();
    std::FILE* const progress = std::tmpfile();
    Verified verified;
    const HastyClock clock;
    verified.well = Verify(options, {files_, clock, out, progress});
    for (const auto& [file, text] :
         {std::pair(out, &verified.out), {progress, &verified.progress}}) {
      std::rewind(file);
      for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) *text += static_cast<char>(c);
      std::fclose(file);
    }
    return verified;
  }
  void ExpectProblem(const std::string& what, const std::string& path, const std::string& detail) {
    const Verified verified = Run();
    EXPECT_FALSE(verified.well);
    EXPECT_THAT(verified.out, HasSubstr(what + " \"" + (directory_ / path) + "\": " + detail));
    EXPECT_THAT(verified.out, HasSubstr(": 1 problem"));
  }
  std::string At(const std::string& path) const { return directory_ / path; }

  const TemporaryDirectory directory_;
  PosixFileSystem files_;
  ManualClock clock_;
  Metrics metrics_;
  std::unique_ptr<ArchiveSink> sink_;
};

TEST_F(VerifyTest, FindsNothingWhereAllIsWell) {
  const Verified verified = Run();
  EXPECT_TRUE(verified.well) << verified.out;
  EXPECT_THAT(verified.out, ::testing::StartsWith("3 files, "));
  EXPECT_THAT(verified.out, HasSubstr(", 3 lines in finished ones: all is as it was written\n"));
  EXPECT_THAT(verified.progress, HasSubstr(", 0 problems so far\n"));
}

TEST_F(VerifyTest, FindsWhatIsMissing) {
  fs::remove(At(kSeven));
  ExpectProblem("missing", kSeven, "its manifest has it");
}

TEST_F(VerifyTest, FindsWhatIsTruncated) {
  fs::resize_file(At(kSeven), 100);
  ExpectProblem("truncated", kSeven, "it has 100 bytes, not ");
}

TEST_F(VerifyTest, FindsWhatIsChanged) {
  std::fstream(At(kSeven), std::ios::in | std::ios::out).seekp(90) << '~';
  ExpectProblem("changed", kSeven, "its SHA-256 is ");
}

TEST_F(VerifyTest, FindsWhatIsLonger) {
  directory_.Append(kSeven, "more");
  ExpectProblem("changed", kSeven, "it has ");
}

TEST_F(VerifyTest, FindsWhatIsExtra) {
  const std::string twelve = "demo/prod/web-0/main/2026-11-21/12.ndjson.zst";
  fs::copy_file(At(kSeven), At(twelve));
  EXPECT_TRUE(Run().well) << "the agent may have finished it just now";
  sink_.reset();
  ExpectProblem("extra", twelve, "no manifest has it");
  fs::remove(At(twelve));
  directory_.Append("demo/prod/web-0/main/2026-11-21/notes.txt", "x");
  ExpectProblem("extra", "demo/prod/web-0/main/2026-11-21/notes.txt", "it does not belong");
}

TEST_F(VerifyTest, FindsWhatIsUnreadable) {
  fs::remove(At(kSeven));
  fs::create_directory(At(kSeven));
  const Verified verified = Run();
  EXPECT_FALSE(verified.well);
  EXPECT_THAT(verified.out, HasSubstr("unreadable \"" + At(kSeven)));
  fs::remove(At(kSeven));
  fs::remove(At(kManifest));
  directory_.Append(kManifest, "{}\n");
  ExpectProblem("unreadable", kManifest, "cannot read ");
}

TEST_F(VerifyTest, FindsDamageInAFileThatIsStillWritten) {
  const std::string nine = "demo/prod/web-0/main/2026-11-21/09.ndjson.zst.partial";
  directory_.Append(nine, "a stranger's bytes");
  ExpectProblem("unreadable", nine, "not only the agent");
}

TEST_F(VerifyTest, KeepsToWhatIsSelected) {
  fs::remove(At(kSeven));
  CatOptions options;
  options.since = std::chrono::hours(498680);
  EXPECT_TRUE(Run(options).well);
  options.since.reset();
  options.pod_pattern = "job-*";
  EXPECT_TRUE(Run(options).well);
}

TEST_F(VerifyTest, RefusesWhatIsNoArchive) {
  const TemporaryDirectory empty;
  CatOptions options;
  options.directory = empty.path();
  EXPECT_THAT(Run(options).out, HasSubstr("it is no archive"));
  EXPECT_FALSE(Run(options).well);
}

}  // namespace
}  // namespace hinomi
