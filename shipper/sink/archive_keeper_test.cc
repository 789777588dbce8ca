// What becomes of finished files: entries in manifests, and their end.
#include "shipper/sink/archive_keeper.h"

#include <gmock/gmock.h>

#include <set>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/sink/archive.h"
#include "shipper/sink/archive_fixture.h"

namespace hinomi {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
namespace fs = std::filesystem;

constexpr char kSix[] = "prod/web-0/main/2026-11-21/06.ndjson.zst";
constexpr char kSeven[] = "prod/web-0/main/2026-11-21/07.ndjson.zst";
constexpr char kEight[] = "prod/web-0/main/2026-11-21/08.ndjson.zst";

/// Some files of which cannot be removed.
class StubbornFileSystem final : public PosixFileSystem {
 public:
  Result<void> Remove(const std::string& path) override {
    if (stubborn.contains(fs::path(path).filename())) return IoError("remove", path, EIO);
    return PosixFileSystem::Remove(path);
  }
  std::set<std::string> stubborn;
};

class ArchiveKeeperTest : public ::testing::Test {
 protected:
  ArchiveKeeperTest() {
    for (const int hour : {6, 6, 7, 8}) log_.Add(hour);
  }

  void Start() {
    sink_.reset();
    ArchiveSink::Options options{.name = "files", .cluster = "demo", .config = {}};
    options.config.directory = root_.path();
    options.config.retention = retention_;
    metrics_ = std::make_unique<Metrics>();
    sink_ = std::make_unique<ArchiveSink>(std::move(options),
                                          ArchiveSink::Environment{files_, clock_, *metrics_});
    Tidy();
  }
  void Deliver(size_t first, size_t last) {
    Batch batch = log_.BatchOf(first, last);
    EXPECT_EQ(sink_->Deliver(batch, 0, {}).error, "");
  }
  void Tidy(Duration later = std::chrono::minutes(3)) {
    clock_.Advance(later);
    sink_->Tidy();
  }
  // All three hours are over, by so much.
  void FinishAll(Duration ago = std::chrono::minutes(3)) {
    Start();
    Deliver(0, log_.size());
    Tidy(std::chrono::hours(498681) - clock_.Wall() + ago);
    EXPECT_THAT(FinishedFiles(directory_), ElementsAre(kSix, kSeven, kEight));
  }
  ArchiveManifest Manifests() const { return ArchiveManifestsOf(directory_); }
  uint64_t Bytes(const std::string& path) const { return fs::file_size(directory_ + "/" + path); }
  std::string Exposed(const std::string& metric) const {
    const std::string text = metrics_->Expose();
    const size_t at = text.find("\n" + metric + "{sink=\"files\"} ");
    return at == std::string::npos ? "" : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
  }
  std::string Removed() const { return Exposed("hinomi_archive_removed_files_total"); }

  const TemporaryDirectory root_;
  const std::string directory_ = root_ / "demo";
  StubbornFileSystem files_;
  ManualClock clock_;
  RetentionConfig retention_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<ArchiveSink> sink_;
  FakeLog log_;
};

TEST_F(ArchiveKeeperTest, SaysOfAFinishedFileWhatItIs) {
  FinishAll();
  EXPECT_THAT(Manifests(), ElementsAre(Key(kSix), Key(kSeven), Key(kEight)));
  EXPECT_THAT(WrongEntries(directory_), IsEmpty());
  EXPECT_EQ(Manifests()[kSix].lines, 2u);
  EXPECT_EQ(Exposed("hinomi_archive_bytes"),
            fmt::format("hinomi_archive_bytes{{sink=\"files\"}} {}",
                        Bytes(kSix) + Bytes(kSeven) + Bytes(kEight)));
}

TEST_F(ArchiveKeeperTest, TakesBackWhatItSaidOfAFileThatIsWrittenToAgain) {
  FinishAll();
  log_.Add(7);
  Deliver(4, 5);
  EXPECT_THAT(Manifests(), ElementsAre(Key(kSix), Key(kEight)));
  Tidy();
  EXPECT_THAT(Manifests(), ElementsAre(Key(kSix), Key(kSeven), Key(kEight)));
  EXPECT_EQ(Manifests()[kSeven].lines, 2u);
  EXPECT_THAT(WrongEntries(directory_), IsEmpty());
}

// Another version of the agent has written it, or one that died in between.
TEST_F(ArchiveKeeperTest, ListsAtItsStartWhatHasNoEntry) {
  FinishAll();
  const ArchiveManifest before = Manifests();
  fs::remove_all(directory_ + "/.manifests");
  root_.Append("demo/prod/web-0/main/2026-11-21/09.ndjson.zst", "a stranger's bytes");
  root_.Append("demo/prod/web-0/main/2026-11-21/06.damaged-1.ndjson.zst", "damaged");
  Start();
  ArchiveManifest after = Manifests();
  EXPECT_EQ(after.extract("prod/web-0/main/2026-11-21/06.damaged-1.ndjson.zst").mapped().lines,
            std::nullopt);
  EXPECT_EQ(after, before);
}

// A file that was changed must not look right after a restart.
TEST_F(ArchiveKeeperTest, NeverReplacesAnEntry) {
  FinishAll();
  const ArchiveManifest before = Manifests();
  fs::resize_file(directory_ + "/" + kSeven, 50);
  Start();
  EXPECT_EQ(Manifests(), before);
  EXPECT_THAT(WrongEntries(directory_), ElementsAre(kSeven));
}

TEST_F(ArchiveKeeperTest, SetsADamagedManifestAside) {
  FinishAll();
  const ArchiveManifest before = Manifests();
  root_.Append("demo/.manifests/2026-11-21/07.ndjson", "torn");
  Start();
  Tidy();
  EXPECT_TRUE(fs::exists(directory_ + "/.manifests/2026-11-21/07.ndjson.damaged"));
  EXPECT_EQ(Manifests(), before);
}

TEST_F(ArchiveKeeperTest, RemovesWhatIsOld) {
  retention_.age = std::chrono::hours(24);
  FinishAll();
  Tidy(std::chrono::hours(22));  // hour 6 ended 24 hours and 6 minutes ago
  EXPECT_THAT(FinishedFiles(directory_), ElementsAre(kSeven, kEight));
  EXPECT_THAT(Manifests(), ElementsAre(Key(kSeven), Key(kEight)));
  EXPECT_EQ(Removed(), "hinomi_archive_removed_files_total{sink=\"files\"} 1");
  clock_.Advance(std::chrono::hours(1));
  Start();
  EXPECT_THAT(FinishedFiles(directory_), ElementsAre(kEight)) << "after a restart too";
  Tidy(std::chrono::hours(1));
  EXPECT_FALSE(fs::exists(directory_ + "/prod")) << "nor its directories";
  EXPECT_THAT(Exposed("hinomi_archive_bytes"), HasSubstr("} 0"));
}

TEST_F(ArchiveKeeperTest, RemovesTheOldestBeyondItsSize) {
  FinishAll();
  const uint64_t bytes = Bytes(kSix);
  retention_.bytes_max = bytes + Bytes(kSeven) + Bytes(kEight);
  Start();
  EXPECT_THAT(FinishedFiles(directory_), ElementsAre(kSix, kSeven, kEight));
  log_.Add(9);  // is written, and counts
  Deliver(4, 5);
  Tidy();
  EXPECT_THAT(FinishedFiles(directory_), ElementsAre(kSeven, kEight));
  EXPECT_EQ(Exposed("hinomi_archive_removed_bytes_total"),
            fmt::format("hinomi_archive_removed_bytes_total{{sink=\"files\"}} {}", bytes));
  retention_.bytes_max = Bytes(kSeven) + Bytes(kEight);
  Start();
  EXPECT_THAT(FinishedFiles(directory_), ElementsAre(kEight)) << "it counts after a restart too";
  retention_.bytes_max = 1;
  Start();
  EXPECT_THAT(FinishedFiles(directory_), IsEmpty());
  EXPECT_EQ(ArchiveLines(root_.path()).size(), 1u) << "never a file that is written";
}

TEST_F(ArchiveKeeperTest, TriesAgainWhatCannotBeRemoved) {
  FinishAll();
  files_.stubborn = {"06.ndjson.zst"};
  retention_.age = std::chrono::hours(1);
  clock_.Advance(std::chrono::hours(2));
  Start();
  EXPECT_THAT(FinishedFiles(directory_), ElementsAre(kSix)) << "the others do not wait for it";
  EXPECT_THAT(Manifests(), ElementsAre(Key(kSix)));
  EXPECT_EQ(Removed(), "hinomi_archive_removed_files_total{sink=\"files\"} 2");
  files_.stubborn.clear();
  Tidy();
  EXPECT_THAT(FinishedFiles(directory_), IsEmpty());
  EXPECT_EQ(Removed(), "hinomi_archive_removed_files_total{sink=\"files\"} 3");
}

// Somebody who may write to the archive must not remove files elsewhere by that.
TEST_F(ArchiveKeeperTest, FollowsNoLink) {
  FinishAll();
  const std::string container = directory_ + "/prod/web-0/main";
  fs::rename(container, root_ / "elsewhere");
  fs::create_directory_symlink(root_ / "elsewhere", container);
  retention_.age = std::chrono::hours(1);
  clock_.Advance(std::chrono::hours(2));
  Start();
  EXPECT_TRUE(fs::exists(root_ / "elsewhere/2026-11-21/07.ndjson.zst"));
}

}  // namespace
}  // namespace hinomi
