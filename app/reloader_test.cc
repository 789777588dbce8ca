#include "app/reloader.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kOneSink[] = "sinks:\n  out: {type: stdout}\n";

class ReloaderTest : public ::testing::Test {
 protected:
  ReloaderTest() { Write(kOneSink); }

  void Write(const std::string& text) {
    // As kubectl and most editors do: the file is another one afterwards.
    root_.Append("next", text);
    fs::rename(root_ / "next", path_);
  }
  Loaded Load() const {
    LoadOptions options;
    options.path = path_;
    options.host_name = "node";
    return LoadConfig(options);
  }
  Reloader Make() {
    return {Load().config, path_, {files_, metrics_, [this] { return Load(); }}};
  }

  TemporaryDirectory root_;
  const std::string path_ = root_ / "hinomi.yaml";
  PosixFileSystem files_;
  Metrics metrics_;
};

TEST_F(ReloaderTest, WaitsUntilTheFileIsLeftAlone) {
  Reloader reloader = Make();
  EXPECT_FALSE(reloader.Changed());
  Write("sinks:\n  out: {type: stdout, linger: 1s}\n");
  EXPECT_FALSE(reloader.Changed()) << "it may still be written";
  Write("sinks:\n  out: {type: stdout, linger: 2s}\n");
  EXPECT_FALSE(reloader.Changed()) << "it was";
  EXPECT_TRUE(reloader.Changed());
  EXPECT_FALSE(reloader.Changed()) << "once";
  const std::optional<Config> next = reloader.Read();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->sinks[0].linger, std::chrono::seconds(2));
  EXPECT_FALSE(reloader.Read()) << "nothing is new";
}

// A volume of Kubernetes: hinomi.yaml -> ..data/hinomi.yaml, ..data -> a directory that is
// replaced.
TEST_F(ReloaderTest, SeesTheSwapOfALink) {
  fs::remove(path_);

  root_.Append("one/hinomi.yaml", kOneSink);
  root_.Append("two/hinomi.yaml", "sinks:\n  new: {type: stdout}\n");
  fs::create_directory_symlink("one", root_ / "..data");
  fs::create_symlink("..data/hinomi.yaml", path_);
  Reloader reloader = Make();
  fs::create_directory_symlink("two", root_ / "..data_tmp");
  fs::rename(root_ / "..data_tmp", root_ / "..data");
  EXPECT_FALSE(reloader.Changed());
  ASSERT_TRUE(reloader.Changed());
  const std::optional<Config> next = reloader.Read();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->sinks[0].name, "new");
}

TEST_F(ReloaderTest, WhatIsWrongIsNotUsed) {
  Reloader reloader = Make();
  Write("sinks:\n  out: {type: stdoot}\n");
  EXPECT_FALSE(reloader.Read());
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hinomi_config_reload_failed 1"));
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hinomi_config_reload_total{result=\"refused\"} 1"));
  Write(kOneSink);
  EXPECT_FALSE(reloader.Read()) << "it is what runs";
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hinomi_config_reload_failed 0"));
}

TEST_F(ReloaderTest, TellsWhatWaitsForARestart) {
  const Config running = Load().config;
  Config next = running;
  EXPECT_THAT(KeptUntilRestart(running, next), IsEmpty());
  next.sinks[0].linger *= 2;
  next.routes[0].stop = true;
  next.fairness.emplace_back();
  EXPECT_THAT(KeptUntilRestart(running, next), IsEmpty());
  next.limits.namespaces_max = 7;
  next.http.listen = ":1";
  EXPECT_THAT(KeptUntilRestart(running, next), ElementsAre("http", "limits"));

  Reloader reloader = Make();
  Write(std::string(kOneSink) + "cluster: other\n");
  EXPECT_FALSE(reloader.Read()) << "nothing of it can take effect";
  Write("sinks:\n  more: {type: stdout}\ncluster: other\n");
  const std::optional<Config> taken = reloader.Read();
  ASSERT_TRUE(taken);
  EXPECT_THAT(taken->cluster, Not("other"));
  EXPECT_EQ(taken->sinks[0].name, "more");
}

}  // namespace
}  // namespace hinomi
