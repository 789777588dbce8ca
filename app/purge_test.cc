#include "app/purge.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/metrics.h"
#include "base/temporary_directory.h"
#include "shipper/checkpoint.h"

namespace hinomi {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kPod[] = "shop_web-1_0b1c2d3e-0000-4000-8000-000000000001";

class PurgeTest : public ::testing::Test {
 protected:
  PurgeTest() {
    config_.state_dir = root_ / "state";
    config_.host_root = root_.path();
    config_.escrow.directory = "/escrow";
  }

  void Write(const std::string& path, size_t bytes = 10) {
    fs::create_directories(fs::path(root_ / path).parent_path());
    std::ofstream(root_ / path) << std::string(bytes, 'x');
  }
  PurgePlan Plan() {
    Result<PurgePlan> plan = PlanPurge(config_, files_);
    EXPECT_TRUE(plan);
    return std::move(*plan);
  }
  std::set<std::string> Left() const {
    std::set<std::string> left;
    for (const auto& entry : fs::recursive_directory_iterator(root_.path())) {
      left.insert(fs::relative(entry.path(), root_.path()));
    }
    return left;
  }

  TemporaryDirectory root_;
  Config config_;
  PosixFileSystem files_;
};

TEST_F(PurgeTest, RemovesAllThatIsOursAndItsDirectories) {
  const std::string pod = kPod;
  for (const std::string& path :
       {std::string("state/lock"), std::string("state/checkpoint.a"),
        std::string("state/checkpoint.b"), std::string("state/last_run"),
        std::string("state/oom_kills"), std::string("state/oom_kills.new"),
        std::string("state/metadata/0b1c2d3e-0000-4000-8000-000000000001.json"),
        std::string("state/metadata/0b1c2d3e-0000-4000-8000-000000000002.json.new"),
        std::string("state/dead_letters/000001.ndjson"), "state/events/" + pod + "/main/0.log",
        "state/events/" + pod + "/main/0.log.20261121-022645", "escrow/" + pod + "/main/0.0",
        "escrow/" + pod + "/main/0.1.gz", std::string("escrow/@/var/lib/docker/containers/abc/0.0"),
        std::string("escrow/probe.link")}) {
    Write(path);
  }
  {
    const PurgePlan plan = Plan();
    EXPECT_THAT(plan.strangers, IsEmpty());
    EXPECT_THAT(Purge(plan, files_), IsEmpty());
  }
  EXPECT_THAT(Left(), IsEmpty());
  EXPECT_TRUE(Plan().empty());
  EXPECT_THAT(ToText(Plan(), config_), HasSubstr("There is nothing"));
}

TEST_F(PurgeTest, LeavesStrangersAndNamesThem) {
  const std::set<std::string> strangers = {"state/notes.txt",
                                           "state/checkpoint.c",
                                           "state/metadata/readme",
                                           "state/metadata/.json",
                                           "state/dead_letters/a.ndjson",
                                           "state/events/notes/0.log",
                                           "state/other/checkpoint.a",
                                           "escrow/notes.txt",
                                           "escrow/x/y.log",
                                           "escrow/a/0.0.zip",
                                           "escrow/lock"};
  for (const std::string& path : strangers) Write(path);
  Write("state/checkpoint.a");
  Write("escrow/a/0.0");
  fs::create_symlink("/etc/passwd", root_ / "escrow/a/0.1");
  {
    const PurgePlan plan = Plan();
    std::set<std::string> named;
    for (const std::string& path : plan.strangers)
      named.insert(fs::path(path).lexically_relative(root_.path()));
    std::set<std::string> want = strangers;
    want.erase("state/other/checkpoint.a");
    want.insert("state/other");  // nothing in there is looked at
    want.insert("escrow/a/0.1");
    EXPECT_EQ(named, want);
    EXPECT_THAT(Purge(plan, files_), IsEmpty());
  }
  for (const std::string& path : strangers) EXPECT_TRUE(fs::exists(root_ / path)) << path;
  EXPECT_FALSE(fs::exists(root_ / "state/checkpoint.a"));
  EXPECT_FALSE(fs::exists(root_ / "escrow/a/0.0"));
  EXPECT_TRUE(Plan().empty());
}

TEST_F(PurgeTest, KnowsAnEscrowWithinTheStateDirectory) {
  config_.escrow.directory = "/state/escrow";
  Write("state/checkpoint.a");
  Write("state/escrow/a/0.0");
  {
    const PurgePlan plan = Plan();
    EXPECT_THAT(plan.strangers, IsEmpty());
    EXPECT_THAT(Purge(plan, files_), IsEmpty());
  }
  EXPECT_THAT(Left(), IsEmpty());
}

TEST_F(PurgeTest, RefusesWhileAnAgentRuns) {
  Write("state/lock");
  Write("escrow/a/0.0");
  for (const char* locked : {"state/lock", "escrow"}) {
    const Result<std::unique_ptr<FileLock>> agent = files_.Lock(root_ / locked);
    ASSERT_TRUE(agent);
    const Result<PurgePlan> plan = PlanPurge(config_, files_);
    ASSERT_FALSE(plan) << locked;
    EXPECT_EQ(plan.error().kind, ErrorKind::kTransient);
    EXPECT_THAT(plan.error().message, HasSubstr("stop it first"));
  }
  EXPECT_TRUE(Plan().groups.size() == 2);
}

TEST_F(PurgeTest, SaysWhatIsNotDelivered) {
  // Cursor in the middle of segment 1 of the only route; 0 is behind it, and 7 is not known yet.
  CheckpointState state;
  LogState& log = state.logs.emplace_back();
  log.directory = "a";
  log.next_ordinal = 3;
  for (const uint32_t ordinal : {0u, 1u, 2u}) {
    SegmentState& segment = log.segments.emplace_back();
    segment.ordinal = ordinal;
    segment.size = 100;
  }
  ReaderState& reader = log.readers.emplace_back();
  reader.route = "all";
  reader.cursor = {1, 60};
  fs::create_directories(config_.state_dir);
  Metrics metrics;
  ASSERT_TRUE(Checkpoint(files_, config_.state_dir, metrics).Save(state));
  const struct {
    const char* path;
    uint64_t unsettled;
  } kCases[] = {{"escrow/a/0.0", 0},   {"escrow/a/0.1", 40},  {"escrow/a/0.2", 100},
                {"escrow/a/0.7", 100}, {"escrow/a/1.0", 100}, {"escrow/b/0.0", 100}};
  for (const auto& [path, unsettled] : kCases) {
    Write(path, 100);
    const PurgePlan plan = Plan();
    EXPECT_EQ(plan.unsettled_bytes, unsettled) << path;
    EXPECT_EQ(plan.unsettled_files, unsettled > 0 ? 1u : 0u) << path;
    fs::remove(root_ / path);
  }
  // Another name leads to it still.
  Write("pods/0.log", 100);
  fs::create_hard_link(root_ / "pods/0.log", root_ / "escrow/a/0.2");
  EXPECT_EQ(Plan().unsettled_bytes, 0u);
  fs::remove(root_ / "pods/0.log");
  EXPECT_THAT(ToText(Plan(), config_), HasSubstr("NOT DELIVERED yet: 100 bytes in 1 file"));
}

TEST_F(PurgeTest, LeavesArchives) {
  SinkConfig& sink = config_.sinks.emplace_back();
  sink.name = "keep";
  sink.type = SinkType::kArchive;
  sink.archive.directory = "/data/logs";
  EXPECT_THAT(ToText(Plan(), config_),
              HasSubstr("since it is your data: the archive \"keep\" in \"/data/logs\""));
}

}  // namespace
}  // namespace hinomi
