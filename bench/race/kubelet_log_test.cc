#include "bench/race/kubelet_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace hinomi::race {
namespace {

namespace fs = std::filesystem;

class KubeletLogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "hinomi-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(directory_); }

  /// The extensions of the log's files, oldest first: "gz", "" for a plain rotated one, "log".
  std::vector<std::string> Files() const {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(directory_)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::rotate(paths.begin(), paths.begin() + 1, paths.end());  // "0.log" is first by name
    std::vector<std::string> kinds;
    for (const fs::path& path : paths) {
      kinds.push_back(path.extension() == ".gz" ? "gz" : path.extension() == ".log" ? "log" : "");
    }
    return kinds;
  }
  static std::string TextOf(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  fs::path directory_;
  GzipCompressor gzip_;
};

TEST_F(KubeletLogTest, RotatesAsTheKubeletDoes) {
  using testing::ElementsAre;
  KubeletLog log(directory_ / "0.log");
  const KubeletLog::Limits limits{4, 4};
  log.Append("a\n");
  log.Rotate(limits, 0, gzip_);
  EXPECT_THAT(Files(), ElementsAre("log")) << "too small to be rotated";
  const std::vector<std::vector<std::string>> wanted = {
      {"", "log"}, {"gz", "", "log"}, {"gz", "gz", "", "log"}, {"gz", "gz", "", "log"}};
  for (std::time_t now = 1; const auto& files : wanted) {
    log.Append("line\n");
    log.Rotate(limits, now++, gzip_);
    log.Reopen();
    EXPECT_THAT(Files(), testing::ElementsAreArray(files));
  }
  EXPECT_EQ(log.bytes(), 2U + 4 * 5);
}

TEST_F(KubeletLogTest, TheWriterGoesOnInTheRenamedFileUntilItReopens) {
  KubeletLog log(directory_ / "0.log");
  log.Append("before\n");
  log.Rotate({1, 5}, 1, gzip_);
  log.Append("late\n");
  EXPECT_FALSE(fs::exists(directory_ / "0.log"));
  const fs::path rotated = fs::directory_iterator(directory_)->path();
  log.Reopen();
  log.Append("after\n");
  EXPECT_EQ(TextOf(rotated), "before\nlate\n");
  EXPECT_EQ(TextOf(directory_ / "0.log"), "after\n");
}

}  // namespace
}  // namespace hinomi::race
