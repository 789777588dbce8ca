// A checkpoint of which any byte is wrong, or the end is missing: the pipeline starts, says so, and
// loses nothing, whatever has become of the logs meanwhile.
#include <fstream>

#include "shipper/pipeline.h"
#include "shipper/pipeline_fixture.h"

namespace hinomi {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// The real one, but nothing waits for a disk.
class HastyFileSystem final : public PosixFileSystem {
 public:
  Result<void> WriteSynced(const std::string& path, std::string_view content) override {
    fs::remove(path);  // ext4 would sync what replaces a content
    std::ofstream(path, std::ios::binary) << content;
    return {};
  }
  Result<void> MakePrivateDirectory(const std::string& path) override {
    return MakeDirectories(path);
  }
  Result<void> SyncDirectory(const std::string&) override { return {}; }
};

class CheckpointDamageTest : public PipelineTest {
 protected:
  struct Process {
    explicit Process(CheckpointDamageTest& test)
        : pipeline(test.config_, "",
                   {test.hasty_, test.clock_, metrics,
                    [&test](const SinkConfig&, const SinkSurroundings&) {
                      return std::make_unique<Forward>(test.sink_);
                    },
                    [] { return std::unique_ptr<DirectoryWatcher>(); }}) {}
    Metrics metrics;
    Pipeline pipeline;
  };

  CheckpointDamageTest() {
    config_.state_dir = root_ / "state";
    config_.sinks[0].linger = Duration{0};
    fs::create_directories(config_.state_dir);
    // Both checkpoints know a cursor, in different files; behind the newest there is more that the
    // sink has not taken.
    {
      Process process(*this);
      Write(Lines(0, 5));
      Live(process, 2);
      Rotate("20261121-022645");
      Write(Lines(5, 5));
      Live(process, 3);
      sink_.dead = true;
      Write(Lines(10, 5));
      Live(process, 2);
      Rotate("20261121-022655");
      Write(Lines(15, 5));
      Live(process, 3);
    }
    fs::rename(PathOf("0.log"), PathOf("0.log.20261121-022705"));
    fs::remove(PathOf("0.log.20261121-022645"));  // settled
    fs::remove(PathOf("0.log.20261121-022655"));  // held
    Write(Lines(20, 5));
    sink_.dead = false;
    delivered_ = sink_.ids;
    documents_ = sink_.documents;
    EXPECT_EQ(delivered_.size(), 10u);
    // Names of the same files, so that each try begins with them as they are.
    fs::copy(root_ / "var/log", root_ / "kept", kLinks);
    for (const char* name : {"checkpoint.a", "checkpoint.b"}) {
      std::ifstream in(config_.state_dir + "/" + name, std::ios::binary);
      checkpoints_.emplace_back(std::istreambuf_iterator<char>(in),
                                std::istreambuf_iterator<char>());
    }
    newest_ = DecodeCheckpoint(checkpoints_[0])->generation >
                      DecodeCheckpoint(checkpoints_[1])->generation
                  ? 0
                  : 1;
  }

  void Live(Process& process, int steps) {
    for (int i = 0; i < steps; ++i) {
      clock_.Advance(std::chrono::milliseconds(400));
      process.pipeline.sources()[0]->Sweep();
      process.pipeline.store().WaitForWork(Duration{0});
      while (process.pipeline.worker().Step(0)) {
      }
      Delivery& delivery = *process.pipeline.outlets()[0]->delivery;
      Duration wait{0};
      while (std::unique_ptr<Batch> batch = delivery.Take(&wait)) {
        batch->pending_before = static_cast<uint32_t>(batch->records.size());
        const Attempt attempt = sink_.Deliver(*batch, 0, {});
        delivery.Complete(std::move(batch), attempt);
      }
      process.pipeline.Housekeep();
    }
  }

  using Damage = std::string (*)(std::string, size_t);
  static std::string Flip(std::string text, size_t at) {
    text[at] = static_cast<char>(text[at] ^ (1 << at % 8));
    return text;
  }
  static std::string Cut(std::string text, size_t at) { return text.substr(0, at); }

  /// Damages these checkpoints at every byte, or every so many, one after another.
  void Try(const std::set<size_t>& which, Damage damage, size_t step = 1) {
    for (size_t at = 0; at < checkpoints_[*which.begin()].size(); at += step) {
      SCOPED_TRACE(at);
      fs::remove_all(root_ / "var/log");
      fs::copy(root_ / "kept", root_ / "var/log", kLinks);
      for (size_t i = 0; i < checkpoints_.size(); ++i) {
        const bool damaged = which.contains(i);
        const size_t place = std::min(at, checkpoints_[i].size() - 1);
        (void)hasty_.WriteSynced(config_.state_dir + (i == 0 ? "/checkpoint.a" : "/checkpoint.b"),
                                 damaged ? damage(checkpoints_[i], place) : checkpoints_[i]);
      }
      sink_.ids = delivered_;
      sink_.documents = documents_;
      Process process(*this);
      Live(process, 3);
      const std::vector<std::string> messages = Messages();
      const std::set<std::string> there(messages.begin(), messages.end());
      ASSERT_EQ(there.size(), 25u) << "lines are lost";
      // Without any checkpoint a log whose first file is gone gets another name.
      ASSERT_TRUE(which.size() == 2 || sink_.ids.size() == 25) << "lines came under another name";
      for (const LedgerEntry& entry : process.pipeline.store().TakeLedger().entries) {
        ASSERT_EQ(entry.imbalance, 0);
      }
      const std::string metrics = process.metrics.Expose();
      ASSERT_THAT(metrics, HasSubstr("hinomi_checkpoint_damaged_total " +
                                     std::to_string(which.size()) + "\n"));
    }
  }

  static constexpr fs::copy_options kLinks =
      fs::copy_options::recursive | fs::copy_options::create_hard_links;
  HastyFileSystem hasty_;
  std::set<std::string> delivered_;  // and their documents, before the damage
  std::vector<Received> documents_;
  std::vector<std::string> checkpoints_;  // a, b
  size_t newest_ = 0;
};

TEST_F(CheckpointDamageTest, WithoutDamageNothingComesTwice) {
  Process process(*this);
  sink_.duplicates = 0;
  Live(process, 3);
  EXPECT_EQ(sink_.ids.size(), 25u);
  EXPECT_EQ(sink_.duplicates, 0);
  EXPECT_THAT(process.metrics.Expose(), HasSubstr("hinomi_checkpoint_damaged_total 0\n"));
}

TEST_F(CheckpointDamageTest, EveryByteOfTheNewestFlipped) { Try({newest_}, Flip); }
TEST_F(CheckpointDamageTest, EveryThirdByteOfTheOlderFlipped) { Try({1 - newest_}, Flip, 3); }
TEST_F(CheckpointDamageTest, EveryThirdByteOfBothFlipped) { Try({0, 1}, Flip, 3); }
TEST_F(CheckpointDamageTest, TheNewestCutAtEveryThirdLength) { Try({newest_}, Cut, 3); }
TEST_F(CheckpointDamageTest, TheOlderCutAtEveryThirdLength) { Try({1 - newest_}, Cut, 3); }
TEST_F(CheckpointDamageTest, BothCutAtEveryThirdLength) { Try({0, 1}, Cut, 3); }

}  // namespace
}  // namespace hinomi
