// The manifests and limits of the archive under crashes: what a manifest says is true at every
// moment, and after the next start each finished file is in one.
#include <gmock/gmock.h>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/sink/archive.h"
#include "shipper/sink/archive_fixture.h"
#include "shipper/sink/crashing_filesystem.h"

namespace hinomi {
namespace {

using ::testing::IsEmpty;

constexpr Duration kOver = std::chrono::hours(498690);  // when the records' hours are over

class ArchiveKeeperCrashTest : public ::testing::Test {
 protected:
  ArchiveKeeperCrashTest() {
    for (const int hour : {6, 7, 6, 7}) log_.Add(hour);
  }

  struct Life {
    FileSystem& files;
    ManualClock clock = {};
    Metrics metrics = {};
  };
  std::unique_ptr<ArchiveSink> SinkIn(Life* life) {
    ArchiveSink::Options options{.name = "files", .cluster = "demo", .config = {}};
    options.config.directory = directory_;
    options.config.retention = retention_;
    return std::make_unique<ArchiveSink>(
        std::move(options), ArchiveSink::Environment{life->files, life->clock, life->metrics});
  }
  bool Deliver(ArchiveSink& sink, size_t first, size_t last) {
    Batch batch = log_.BatchOf(first, last);
    return sink.Deliver(batch, 0, {}).error.empty();
  }
  static void Tidy(ArchiveSink& sink, Life* life, Duration later) {
    life->clock.Advance(later);
    sink.Tidy();
  }
  // Two files are written, finished, taken back for late records and finished again.
  void LiveOnce(FileSystem& files) {
    Life life{files};
    const auto sink = SinkIn(&life);
    if (!Deliver(*sink, 0, 2)) return;
    Tidy(*sink, &life, kOver - life.clock.Wall());
    if (!Deliver(*sink, 2, 4)) return;
    Tidy(*sink, &life, std::chrono::minutes(3));
  }
  void LiveAgain() {
    CrashingFileSystem files(std::numeric_limits<int>::max());  // really syncs nothing
    Life life{files};
    life.clock.Advance(kOver - life.clock.Wall());
    const auto sink = SinkIn(&life);
    EXPECT_TRUE(Deliver(*sink, 0, 4));
    for (int i = 0; i < 3; ++i) Tidy(*sink, &life, std::chrono::minutes(3));
  }
  // False when it was over before.
  bool CrashesAt(int operations, Crash crash) {
    directory_ = root_ / fmt::format("archive-{}", runs_++);
    const std::string cluster = directory_ + "/demo";
    CrashingFileSystem files(operations);
    LiveOnce(files);
    if (crash != Crash::kProcess) files.LosePower(crash == Crash::kPowerZeros);
    EXPECT_THAT(WrongEntries(cluster), IsEmpty()) << "after " << operations << " operations";
    LiveAgain();
    EXPECT_THAT(WrongEntries(cluster), IsEmpty()) << "after " << operations << " operations";
    std::vector<std::string> listed;
    for (const auto& [path, facts] : ArchiveManifestsOf(cluster)) listed.push_back(path);
    EXPECT_EQ(FinishedFiles(cluster), listed) << "after " << operations << " operations";
    Check(operations);
    fs::remove_all(directory_);
    return files.stopped();
  }
  void Check(int operations) {
    if (retention_.bytes_max == 0) {
      EXPECT_EQ(ArchiveLines(directory_).size(), log_.size()) << "after " << operations;
      return;
    }
    uint64_t bytes = 0;
    for (const auto& [path, facts] : ArchiveManifestsOf(directory_ + "/demo")) bytes += facts.bytes;
    EXPECT_LE(bytes, retention_.bytes_max) << "after " << operations << " operations";
    EXPECT_GT(bytes, 0u) << "after " << operations << " operations";
  }
  void CrashesEverywhere() {
    for (const Crash crash : {Crash::kProcess, Crash::kPowerZeros}) {
      int operations = 0;
      while (CrashesAt(operations, crash)) ++operations;
      EXPECT_GT(operations, 40);
    }
  }

  TemporaryDirectory root_;
  std::string directory_;
  RetentionConfig retention_;
  FakeLog log_;
  int runs_ = 0;
};

TEST_F(ArchiveKeeperCrashTest, ListsEachFinishedFileAsItIs) { CrashesEverywhere(); }

TEST_F(ArchiveKeeperCrashTest, KeepsToItsLimit) {
  retention_.bytes_max = 400;  // one of the two
  CrashesEverywhere();
}

}  // namespace
}  // namespace hinomi
