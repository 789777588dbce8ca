#include "shipper/checkpoint.h"

#include <gmock/gmock.h>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

using ::testing::HasSubstr;

CheckpointState Example(uint64_t generation) {
  CheckpointState state;
  state.generation = generation;
  LogState log{"prod_web-0_0b1c/main", 3, "2026-11-21T02:26:54.1Z", 8, {}, {}};
  log.segments.push_back({6, ~0ull, 42, -5, 44, 99, 1024, 0xfeed, 10, 1 << 20});
  log.segments.push_back({7, 1, 43, 1795227915859619, 0, 0, 31, 7, 0, 31, 20});
  log.readers.push_back({"all", {6, 4096}, {}, 5000, {3000, {1, 2, 3, 4}, {5, 6, 7, 8, 9, 10}}});
  log.readers.push_back({"prod",
                         {7, 12},
                         {Continuation::Kind::kMidLine, Stream::kStderr, "2026-11-21T02:26:54Z"},
                         12,
                         {},
                         {{{}, {0, 17}}, {{7, 12}, {13, 17}}}});
  state.logs = {log};
  state.epoch_seconds = 1795227915;
  state.routes = {"all", "prod"};
  state.gone = {{"all", "prod", 77, {70, {0, 7, 0, 0}, {}}}};
  return state;
}

void ExpectSame(const CheckpointState& got, const CheckpointState& want) {
  EXPECT_EQ(got.generation, want.generation);
  // Both encodings are one to one, so equal text is equal state.
  EXPECT_EQ(EncodeCheckpoint(got), EncodeCheckpoint(want));
}

TEST(CheckpointFormat, ReadsWhatItWrites) {
  const Result<CheckpointState> got = DecodeCheckpoint(EncodeCheckpoint(Example(9)));
  ASSERT_TRUE(got.ok()) << got.error().message;
  ExpectSame(*got, Example(9));
  EXPECT_EQ(got->logs[0].readers[1].continuing, Example(9).logs[0].readers[1].continuing);
  EXPECT_EQ(got->logs[0].segments[0].key, ~0ull);
  EXPECT_EQ(got->logs[0].segments[0].copy_inode, 44u);
  EXPECT_EQ(got->logs[0].readers[0].settled, Example(9).logs[0].readers[0].settled);
  ASSERT_EQ(got->logs[0].readers[1].levels.size(), 2u);
  EXPECT_EQ(got->logs[0].readers[1].levels[1].from, (Position{7, 12}));
  EXPECT_EQ(got->logs[0].readers[1].levels[1].levels, (Levels{13, 17}));
  EXPECT_EQ(got->gone[0].settled, Example(9).gone[0].settled);
  EXPECT_EQ(got->epoch_seconds, Example(9).epoch_seconds);
}

TEST(CheckpointFormat, NoticesEveryDamagedByteAndEveryCut) {
  const std::string text = EncodeCheckpoint(Example(9));
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(DecodeCheckpoint(text.substr(0, i)).ok()) << "cut at " << i;
    for (const char flip : {1, 0x20, 0x40}) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      const Result<CheckpointState> got = DecodeCheckpoint(damaged);
      EXPECT_FALSE(got.ok()) << "flipped " << i;
    }
  }
  EXPECT_THAT(DecodeCheckpoint("hinomi-checkpoint 3 1 0 x\n").error().message,
              HasSubstr("version 3"));
}

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointState Load() { return Checkpoint(files_, directory_.path(), metrics_).Load(); }
  void Overwrite(const std::string& name, const std::string& content) {
    EXPECT_TRUE(files_.WriteSynced(directory_ / name, content).ok());
  }

  TemporaryDirectory directory_;
  PosixFileSystem files_;
  Metrics metrics_;
};

TEST_F(CheckpointTest, WritesInTurnAndTakesTheNewest) {
  Checkpoint checkpoint(files_, directory_.path(), metrics_);
  EXPECT_TRUE(checkpoint.Load().logs.empty());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(checkpoint.Save(Example(0)).ok());
  EXPECT_EQ(Load().generation, 3u);
  // The newest damaged: the one before counts.
  Overwrite("checkpoint.b", "garbage");
  EXPECT_EQ(Load().generation, 2u);
  Overwrite("checkpoint.a", "");
  EXPECT_TRUE(Load().logs.empty());
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hinomi_checkpoint_damaged_total 3"));
}

TEST_F(CheckpointTest, NeverOverwritesTheOnlyValidOne) {
  {
    Checkpoint checkpoint(files_, directory_.path(), metrics_);
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(checkpoint.Save(Example(0)).ok());
  }
  Overwrite("checkpoint.a", "garbage");  // generation 2; 1 is in b
  Checkpoint checkpoint(files_, directory_.path(), metrics_);
  EXPECT_EQ(checkpoint.Load().generation, 1u);
  ASSERT_TRUE(checkpoint.Save(Example(0)).ok());
  Overwrite("checkpoint.a", "garbage");  // the write of generation 2 was torn
  EXPECT_EQ(Load().generation, 1u);
}

TEST_F(CheckpointTest, SaysWhenItCannotBeWritten) {
  Checkpoint checkpoint(files_, directory_ / "missing", metrics_);
  const Result<size_t> saved = checkpoint.Save(Example(0));
  ASSERT_FALSE(saved.ok());
  EXPECT_THAT(saved.error().message, HasSubstr("missing/checkpoint.b"));
}

}  // namespace
}  // namespace hinomi
