// The archive under crashes: whatever moment the process or the machine dies at, and wherever the
// cursor is afterwards, every record is in it once.
#include <gmock/gmock.h>

#include <limits>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/sink/archive.h"
#include "shipper/sink/archive_fixture.h"
#include "shipper/sink/crashing_filesystem.h"

namespace hinomi {
namespace {

namespace fs = std::filesystem;

class ArchiveCrashTest : public ::testing::Test {
 protected:
  // Hours change between records, within overlapping ones, forwards and backwards, over segments.
  ArchiveCrashTest() {
    for (const int hour : {6, 6, 7, 7}) log_.Add(hour);
    log_.Overlap(7, 8);
    log_.Add(8);
    log_.NextSegment();
    log_.Garbage();
    log_.Add(8);
    log_.Add(6);  // late
    log_.Overlap(8, 8, /*over_segments=*/true);
    for (const int hour : {8, 9, 8}) log_.Add(hour);
    log_.Overlap(9, 8, /*over_segments=*/true);
    log_.Add(9);
    for (const int hour : {6, 7, 9, 9}) other_.Add(hour);
    for (const FakeLog* log : {&log_, &other_}) {
      for (size_t i = 0; i < log->size(); ++i) all_.push_back(log->Text(i));
    }
    std::sort(all_.begin(), all_.end());
  }

  // Makes it on a fresh disk, or on the one that is there.
  std::unique_ptr<ArchiveSink> SinkOn(FileSystem& files, const std::string& directory) {
    ArchiveSink::Options options{.name = "files", .cluster = "demo", .config = {}};
    options.config.directory = directory;
    options.config.level = 1;
    options.open_files_max = 2;
    options.known_files_max = 3;
    return std::make_unique<ArchiveSink>(std::move(options),
                                         ArchiveSink::Environment{files, clock_, metrics_});
  }

  // Both logs from `cursor` on in batches of `step` records, until one is not acknowledged. Returns
  // what is acknowledged of log_.
  size_t DeliverFrom(size_t cursor, size_t step, ArchiveSink& sink) {
    for (size_t begin = log_.Split(cursor); begin < log_.size();) {
      const size_t end = log_.Split(std::min(begin + step, log_.size()));
      Batch batch = log_.BatchOf(begin, end);
      if (begin < other_.size()) other_.AddTo(&batch, begin, std::min(end, other_.size()));
      sink.Deliver(batch, 0, {});
      if (!Acknowledged(batch)) return begin;
      begin = end;
    }
    return log_.size();
  }
  static bool Acknowledged(const Batch& batch) {
    return std::all_of(batch.records.begin(), batch.records.end(), [](const BatchRecord& record) {
      return record.outcome == Outcome::kAcknowledged;
    });
  }

  // Dies after `operations`, goes on with a cursor that may be older than what was acknowledged,
  // and with batches of another size. False when it was over before.
  bool CrashesAt(int operations, Crash crash, bool checkpoint_lost) {
    const std::string directory = root_ / fmt::format("archive-{}", runs_++);
    CrashingFileSystem files(operations);
    const size_t acknowledged = DeliverFrom(0, 4, *SinkOn(files, directory));
    if (crash != Crash::kProcess) files.LosePower(crash == Crash::kPowerZeros);
    CrashingFileSystem sound(std::numeric_limits<int>::max());
    const size_t cursor = checkpoint_lost ? 0 : acknowledged;
    EXPECT_EQ(DeliverFrom(cursor, 5, *SinkOn(sound, directory)), log_.size());
    EXPECT_EQ(ArchiveLines(directory), all_) << "after " << operations << " operations";
    fs::remove_all(directory);
    return files.stopped();
  }

  TemporaryDirectory root_;
  ManualClock clock_;
  Metrics metrics_;
  FakeLog log_;
  FakeLog other_{"web-1"};
  std::vector<std::string> all_;
  int runs_ = 0;
};

TEST_F(ArchiveCrashTest, HoldsEachRecordOnceWhenTheProcessDies) {
  for (const bool checkpoint_lost : {false, true}) {
    int operations = 0;
    while (CrashesAt(operations, Crash::kProcess, checkpoint_lost)) ++operations;
    EXPECT_GT(operations, 50);
  }
}

TEST_F(ArchiveCrashTest, HoldsEachRecordOnceWhenTheMachineDies) {
  for (const Crash crash : {Crash::kPower, Crash::kPowerZeros}) {
    for (const bool checkpoint_lost : {false, true}) {
      int operations = 0;
      while (CrashesAt(operations, crash, checkpoint_lost)) ++operations;
    }
  }
}

// What the first process wrote and did not sync, its successor may find and acknowledge.
TEST_F(ArchiveCrashTest, HoldsEachRecordOnceWhenTheMachineDiesAfterTheProcess) {
  bool stopped = true;
  for (int operations = 0; stopped; ++operations) {
    const std::string directory = root_ / fmt::format("archive-{}", runs_++);
    CrashingFileSystem files(operations);
    const size_t acknowledged = DeliverFrom(0, 4, *SinkOn(files, directory));
    stopped = files.stopped();
    files.Restart();
    EXPECT_EQ(DeliverFrom(acknowledged, 4, *SinkOn(files, directory)), log_.size());
    files.LosePower(/*zeros=*/false);
    EXPECT_EQ(ArchiveLines(directory), all_) << "after " << operations << " operations";
    fs::remove_all(directory);
  }
}

TEST_F(ArchiveCrashTest, TriesAgainWhatFailedOnce) {
  for (int operations = 0; operations < 200; ++operations) {
    const std::string directory = root_ / fmt::format("archive-{}", runs_++);
    CrashingFileSystem files(operations, /*once=*/true);
    const auto sink = SinkOn(files, directory);
    size_t done = DeliverFrom(0, 4, *sink);
    // Read again in smaller batches: a flush is shorter than what its predecessor left.
    if (done < log_.size()) done = DeliverFrom(done, 1, *sink);
    EXPECT_EQ(done, log_.size());
    EXPECT_EQ(ArchiveLines(directory), all_) << "after " << operations << " operations";
    fs::remove_all(directory);
  }
}

}  // namespace
}  // namespace hinomi
