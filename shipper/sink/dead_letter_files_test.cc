#include "shipper/sink/dead_letter_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DeadLetterFilesTest : public ::testing::Test {
 protected:
  std::string Content(const std::string& name = "000001.ndjson") const {
    std::stringstream text;
    text << std::ifstream(root_ / name).rdbuf();
    return text.str();
  }
  std::vector<std::string> Lines(DeadLetterFiles::Range range) const {
    std::vector<std::string> lines;
    EXPECT_TRUE(letters_.Read(1, range, [&](std::string_view line, uint64_t offset) {
      lines.push_back(std::to_string(offset) + ":" + std::string(line.substr(0, 8)));
      return true;
    }));
    return lines;
  }
  size_t Entries() const {
    const std::filesystem::directory_iterator entries(root_.path());
    return static_cast<size_t>(std::distance(begin(entries), end(entries)));
  }

  TemporaryDirectory root_;
  PosixFileSystem files_;
  DeadLetterFiles letters_{files_, root_.path()};
};

TEST_F(DeadLetterFilesTest, ListsItsOwnOldestFirst) {
  EXPECT_THAT(DeadLetterFiles(files_, root_ / "none").List().value(), IsEmpty());
  root_.Append("000010.ndjson", "four");
  root_.Append("000009.ndjson", "a");
  for (const char* name : {"x1.ndjson", "000000.ndjson", "notes.txt", "replay.new"})
    root_.Append(name, "not a letter");
  const auto stored = letters_.List().value();
  ASSERT_EQ(stored.size(), 2u);
  EXPECT_EQ(stored[0].number, 9u);
  EXPECT_EQ(stored[1].number, 10u);
  EXPECT_EQ(stored[1].bytes, 4u);
}

TEST_F(DeadLetterFilesTest, ReadsWholeLinesWithTheirPlaces) {
  root_.Append("000001.ndjson", "a\n" + std::string(3 << 20, 'b') + "\n\nd\ntorn");
  EXPECT_THAT(Lines({0, 1 << 30}), ElementsAre("0:a", "2:bbbbbbbb", "3145731:", "3145732:d"));
  EXPECT_THAT(Lines({2, 3145731}), ElementsAre("2:bbbbbbbb"));
  EXPECT_THAT(Lines({2, 3145730}), IsEmpty());
}

TEST_F(DeadLetterFilesTest, ReplacesARange) {
  root_.Append("000001.ndjson", "one\ntwo\nthree\n");
  ASSERT_TRUE(letters_.Replace(1, {4, 8}, "TWO\nand a half\n"));
  EXPECT_EQ(Content(), "one\nTWO\nand a half\nthree\n");
  ASSERT_TRUE(letters_.Replace(1, {0, 19}, ""));
  EXPECT_EQ(Content(), "three\n");
  EXPECT_EQ(Entries(), 1u);
  ASSERT_TRUE(letters_.Replace(1, {0, 6}, ""));
  EXPECT_EQ(Entries(), 0u) << "an empty file goes";
  ASSERT_TRUE(letters_.Replace(1, {0, 6}, "x\n"));
  EXPECT_EQ(Entries(), 0u) << "one that is gone stays so";
}

TEST_F(DeadLetterFilesTest, TidiesAwayWhatAKillHasLeft) {
  root_.Append("replay.new", "half");
  root_.Append("000001.ndjson", "one\n");
  ASSERT_TRUE(letters_.Replace(1, {0, 4}, "x\n"));
  EXPECT_EQ(Content(), "x\n");
  root_.Append("replay.new", "half");
  ASSERT_TRUE(letters_.Tidy());
  EXPECT_EQ(Entries(), 1u);
  ASSERT_TRUE(letters_.Tidy());
}

TEST_F(DeadLetterFilesTest, WaitsForTheLockASecond) {
  Result<std::unique_ptr<FileLock>> held = letters_.Lock();
  ASSERT_TRUE(held);
  const Result<std::unique_ptr<FileLock>> refused = letters_.Lock();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kTransient);
  const std::jthread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    held->reset();
  });
  EXPECT_TRUE(letters_.Lock());
}

}  // namespace
}  // namespace hinomi
