#include "shipper/sink/archive.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/sink/archive_fixture.h"

namespace hinomi {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;
namespace fs = std::filesystem;

constexpr char kSeven[] = "demo/prod/web-0/main/2026-11-21/07.ndjson.zst.partial";
constexpr char kSevenFinished[] = "demo/prod/web-0/main/2026-11-21/07.ndjson.zst";
constexpr char kEight[] = "demo/prod/web-0/main/2026-11-21/08.ndjson.zst.partial";

// Counts the files that are open at once.
class CountingFileSystem final : public PosixFileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path) override {
    Result<std::unique_ptr<WritableFile>> file = PosixFileSystem::OpenWritable(path);
    int open = 0;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      open += fs::read_symlink(entry.path(), gone).string().ends_with(kArchiveOpen) ? 1 : 0;
    }
    open_most = std::max(open_most, open);
    return file;
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    if (full) return IoError("write", path, ENOSPC);
    return PosixFileSystem::Lock(path);
  }
  int open_most = 0;
  bool full = false;
};

class ArchiveTest : public ::testing::Test {
 protected:
  std::unique_ptr<ArchiveSink> Make(size_t open_files_max = 256) {
    ArchiveSink::Options options{.name = "files", .cluster = "demo", .config = {}};
    options.config.directory = directory();
    options.config.format = format_;
    options.open_files_max = open_files_max;
    return std::make_unique<ArchiveSink>(std::move(options),
                                         ArchiveSink::Environment{files_, clock_, metrics_});
  }
  std::string directory() const { return root_ / "archive"; }
  static size_t Acknowledged(const Batch& batch) {
    return static_cast<size_t>(std::count_if(
        batch.records.begin(), batch.records.end(),
        [](const BatchRecord& record) { return record.outcome == Outcome::kAcknowledged; }));
  }
  static void Add(FakeLog* log, int records, int hour = 7) {
    for (int i = 0; i < records; ++i) log->Add(hour);
  }
  static std::string Texts(const FakeLog& log, size_t first, size_t last) {
    std::string texts;
    for (size_t i = first; i < last; ++i) texts += log.Text(i);
    return texts;
  }
  std::map<std::string, std::string> Content() const { return ArchiveContent(directory()); }

  TemporaryDirectory root_;
  ManualClock clock_;
  Metrics metrics_;
  CountingFileSystem files_;
  ArchiveFormat format_ = ArchiveFormat::kJson;
  FakeLog log_;
};

TEST_F(ArchiveTest, WritesAFilePerContainerAndHour) {
  Add(&log_, 2, 7);
  Add(&log_, 1, 8);
  FakeLog sidecar("web-0", "proxy");
  Add(&sidecar, 1, 7);
  Batch batch = log_.BatchOf(0, 3);
  sidecar.AddTo(&batch, 0, 1);
  const Attempt attempt = Make()->Deliver(batch, 0, {});
  EXPECT_EQ(attempt.error, "");
  EXPECT_EQ(Acknowledged(batch), 4u);
  EXPECT_THAT(Content(),
              ElementsAre(Pair(kSeven, Texts(log_, 0, 2)), Pair(kEight, Texts(log_, 2, 3)),
                          Pair("demo/prod/web-0/proxy/2026-11-21/07.ndjson.zst.partial",
                               Texts(sidecar, 0, 1))));
}

TEST_F(ArchiveTest, WritesWhatComesAgainOnce) {
  Add(&log_, 10);
  const auto sink = Make();
  for (const auto& [first, last] : {std::pair{0, 4}, {0, 4}, {2, 6}, {0, 10}, {3, 7}}) {
    Batch batch = log_.BatchOf(first, last);
    EXPECT_EQ(sink->Deliver(batch, 0, {}).error, "");
    EXPECT_EQ(Acknowledged(batch), batch.records.size());
  }
  EXPECT_THAT(Content(), ElementsAre(Pair(kSeven, Texts(log_, 0, 10))));
  Batch batch = log_.BatchOf(0, 10);
  Make();  // touches nothing
  EXPECT_THAT(Content(), ElementsAre(Pair(kSeven, Texts(log_, 0, 10))));
}

TEST_F(ArchiveTest, WritesPlainLinesWithoutTheirTimes) {
  format_ = ArchiveFormat::kLines;
  log_.MakeLines();
  Add(&log_, 3, 7);
  Add(&log_, 1, 8);
  const auto sink = Make();
  EXPECT_EQ(sink->format(), RecordFormat::kLines);
  for (const auto& [first, last] : {std::pair{0, 2}, {0, 2}, {1, 4}}) {
    Batch batch = log_.BatchOf(first, last);
    EXPECT_EQ(sink->Deliver(batch, 0, {}).error, "");
  }
  const std::string directory = "demo/prod/web-0/main/2026-11-21/";
  EXPECT_THAT(Content(), ElementsAre(Pair(directory + "07.log.zst.partial",
                                          log_.Line(0) + log_.Line(1) + log_.Line(2)),
                                     Pair(directory + "08.log.zst.partial", log_.Line(3))));
}

TEST_F(ArchiveTest, SaysWhetherItMayWriteAndLeavesNoTrace) {
  const auto tried = [&] { return Make()->Try({}); };
  EXPECT_EQ(tried().error, "");
  EXPECT_FALSE(fs::exists(directory()));
  root_.Append("archive", "in the way");
  EXPECT_THAT(tried().error, HasSubstr("archive"));
  fs::remove(directory());
  fs::create_directories(directory());
  EXPECT_EQ(tried().error, "");
  EXPECT_TRUE(fs::is_empty(directory()));
  files_.full = true;
  EXPECT_THAT(tried().error, HasSubstr("No space left on device; remove old files or make room"));
  EXPECT_EQ(tried().code, "full");
  files_.full = false;
  EXPECT_TRUE(fs::is_empty(directory()));

  Add(&log_, 1);
  const auto sink = Make();
  Batch batch = log_.BatchOf(0, 1);
  sink->Deliver(batch, 0, {});
  EXPECT_EQ(tried().code, "locked");
}

TEST_F(ArchiveTest, FillsAGapThatAnotherRouteHasLeft) {
  Add(&log_, 10);
  const auto sink = Make();
  for (const auto& [first, last] : {std::pair{6, 8}, {0, 10}}) {
    Batch batch = log_.BatchOf(first, last);
    EXPECT_EQ(sink->Deliver(batch, 0, {}).error, "");
  }
  EXPECT_THAT(Content(), ElementsAre(Pair(
                             kSeven, Texts(log_, 6, 8) + Texts(log_, 0, 6) + Texts(log_, 8, 10))));
}

TEST_F(ArchiveTest, WritesARecordThatReachesBeyondWhatItHolds) {
  FakeLog cut;  // the same log when its last record was not complete yet
  Add(&cut, 2);
  Batch first = cut.BatchOf(0, 2);
  const auto sink = Make();
  EXPECT_EQ(sink->Deliver(first, 0, {}).error, "");
  Add(&log_, 1);
  log_.Overlap(7, 7);  // begins where the second record of `cut` did, and is longer
  Batch again = log_.BatchOf(0, 3);
  EXPECT_EQ(sink->Deliver(again, 0, {}).error, "");
  EXPECT_THAT(Content(), ElementsAre(Pair(kSeven, Texts(cut, 0, 2) + Texts(log_, 1, 3))));
}

TEST_F(ArchiveTest, KeepsToItsLimitOfOpenFiles) {
  std::vector<FakeLog> logs;
  Batch batch;
  for (int i = 0; i < 10; ++i) {
    Add(&logs.emplace_back("web-" + std::to_string(i)), 2);
  }
  const auto sink = Make(3);
  for (size_t round = 0; round < 2; ++round) {
    Batch all;
    for (const FakeLog& log : logs) log.AddTo(&all, round, round + 1);
    EXPECT_EQ(sink->Deliver(all, 0, {}).error, "");
    EXPECT_EQ(Acknowledged(all), 10u);
  }
  EXPECT_EQ(files_.open_most, 3);
  EXPECT_EQ(Content().size(), 10u);
  EXPECT_EQ(ArchiveLines(directory()).size(), 20u);
}

TEST_F(ArchiveTest, FinishesAnHourThatIsOverAndTakesItBackForALateRecord) {
  Add(&log_, 3);
  auto sink = Make();
  Batch first = log_.BatchOf(0, 1);
  sink->Deliver(first, 0, {});
  // The clock stands in November 2026, before the record's hour is over.
  const Duration record_hour_ends = std::chrono::hours(498680);
  clock_.Advance(std::chrono::seconds(20));
  sink->Tidy();
  EXPECT_THAT(Content(), ElementsAre(Key(kSeven)));
  clock_.Advance(record_hour_ends - clock_.Wall() + std::chrono::minutes(3));
  sink->Tidy();
  EXPECT_THAT(Content(), ElementsAre(Key(kSevenFinished)));

  Batch late = log_.BatchOf(0, 2);
  EXPECT_EQ(sink->Deliver(late, 0, {}).error, "");
  EXPECT_THAT(Content(), ElementsAre(Pair(kSeven, Texts(log_, 0, 2))));
  clock_.Advance(std::chrono::minutes(1));
  sink->Tidy();
  EXPECT_THAT(Content(), ElementsAre(Key(kSeven))) << "it may not be the last late one";

  // What an earlier process has left open is finished as well.
  sink.reset();
  sink = Make();
  FakeLog other("other");
  Add(&other, 1, 9);
  Batch wake = other.BatchOf(0, 1);
  sink->Deliver(wake, 0, {});
  clock_.Advance(std::chrono::minutes(3));
  sink->Tidy();
  EXPECT_THAT(Content(), ::testing::Contains(Pair(kSevenFinished, Texts(log_, 0, 2))));
}

TEST_F(ArchiveTest, NeverWritesOverAFinishedFile) {
  Add(&log_, 1);
  const auto sink = Make();
  Batch batch = log_.BatchOf(0, 1);
  sink->Deliver(batch, 0, {});
  std::ofstream(directory() + "/" + kSevenFinished);  // somebody put it there
  clock_.Advance(std::chrono::hours(498680) - clock_.Wall() + std::chrono::minutes(3));
  sink->Tidy();
  EXPECT_THAT(Content(), ElementsAre(Key(kSevenFinished), Pair(kSeven, Texts(log_, 0, 1))));
}

TEST_F(ArchiveTest, SetsAsideWhatIsNotItsOwn) {
  Add(&log_, 2);
  Batch batch = log_.BatchOf(0, 1);
  Make()->Deliver(batch, 0, {});
  root_.Append(std::string("archive/") + kSeven, "a stranger's bytes");
  Batch again = log_.BatchOf(0, 2);
  EXPECT_EQ(Make()->Deliver(again, 0, {}).error, "");
  EXPECT_THAT(Content(), ElementsAre(Pair("demo/prod/web-0/main/2026-11-21/07.damaged-1.ndjson.zst",
                                          log_.Text(0) + "DAMAGED"),
                                     Pair(kSeven, Texts(log_, 0, 2))));
}

TEST_F(ArchiveTest, BeginsAnewWhatVanishedOrWasReplaced) {
  Add(&log_, 4);
  const auto sink = Make();
  const auto deliver = [&](size_t first, size_t last) {
    Batch batch = log_.BatchOf(first, last);
    EXPECT_EQ(sink->Deliver(batch, 0, {}).error, "");
    EXPECT_EQ(Acknowledged(batch), batch.records.size());
  };
  deliver(0, 1);
  fs::remove_all(directory());
  deliver(1, 2);
  EXPECT_THAT(Content(), ElementsAre(Pair(kSeven, log_.Text(1))));
  fs::rename(directory(), root_ / "moved");
  deliver(2, 3);
  EXPECT_THAT(Content(), ElementsAre(Pair(kSeven, log_.Text(2))));
  fs::remove(directory() + "/" + kSeven);
  std::ofstream(directory() + "/" + kSeven);
  deliver(2, 4);
  EXPECT_THAT(Content(), ElementsAre(Pair(kSeven, Texts(log_, 2, 4))));
}

TEST_F(ArchiveTest, SaysWhatIsInTheWayAndWaits) {
  Add(&log_, 2);
  FakeLog other("other");
  Add(&other, 1);
  fs::create_directories(directory() + "/" + kSeven);
  const auto sink = Make();
  Batch batch = log_.BatchOf(0, 1);
  other.AddTo(&batch, 0, 1);
  Attempt attempt = sink->Deliver(batch, 0, {});
  EXPECT_THAT(attempt.error, HasSubstr("07.ndjson.zst.partial\": Is a directory"));
  EXPECT_EQ(attempt.code, "io");
  EXPECT_EQ(Acknowledged(batch), 1u) << "the other container's";
  fs::remove(directory() + "/" + kSeven);
  EXPECT_EQ(sink->Deliver(batch, 0, {}).error, "");
  EXPECT_EQ(Acknowledged(batch), 2u);
  EXPECT_EQ(ArchiveLines(directory()).size(), 2u);

  const auto second = Make();
  Batch locked = log_.BatchOf(1, 2);
  attempt = second->Deliver(locked, 0, {});
  EXPECT_THAT(attempt.error, HasSubstr("another hinomi uses this directory"));
  EXPECT_EQ(attempt.code, "locked");
  EXPECT_EQ(Acknowledged(locked), 0u);
}

TEST_F(ArchiveTest, NeverTakesBytesForWrittenThatItCannotName) {
  Add(&log_, 2);
  Batch batch = log_.BatchOf(0, 2);
  batch.slices[0].ranges.clear();
  EXPECT_EQ(Make()->Deliver(batch, 0, {}).error, "");
  EXPECT_THAT(Content(), ElementsAre(Pair(kSeven, Texts(log_, 0, 2))));
}

TEST_F(ArchiveTest, StaysBelowItsDirectoryWhateverThePodIsCalled) {
  FakeLog evil("../../../evil", "..");
  Add(&evil, 1);
  Batch batch = evil.BatchOf(0, 1);
  EXPECT_EQ(Make()->Deliver(batch, 0, {}).error, "");
  EXPECT_THAT(Content(),
              ElementsAre(Key("demo/prod/_._.._.._evil/_./2026-11-21/07.ndjson.zst.partial")));
}

}  // namespace
}  // namespace hinomi
