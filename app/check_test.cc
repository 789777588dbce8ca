#include "app/check.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/fake_http_server.h"
#include "base/temporary_directory.h"

namespace hinomi {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CheckTest : public ::testing::Test {
 protected:
  CheckTest() {
    config_.host_root = root_.path();
    config_.state_dir = root_ / "state";
    fs::create_directories(root_ / "var/log/pods/a_b_c/main");
    std::ofstream(root_ / "var/log/pods/a_b_c/main/0.log") << "x";
  }

  TemporaryDirectory root_;
  Config config_;
  PosixFileSystem files_;
};

TEST_F(CheckTest, LeavesNoTrace) {
  EXPECT_THAT(CheckEscrow(config_, files_), IsEmpty());
  EXPECT_FALSE(fs::exists(root_ / "var/log/hinomi"));
  fs::create_directories(root_ / "var/log/hinomi/escrow/a");
  EXPECT_THAT(CheckEscrow(config_, files_), IsEmpty());
  EXPECT_TRUE(fs::is_directory(root_ / "var/log/hinomi/escrow/a"));
  EXPECT_FALSE(fs::exists(root_ / "var/log/hinomi/escrow/probe"));
  EXPECT_EQ(fs::hard_link_count(root_ / "var/log/pods/a_b_c/main/0.log"), 1u);
}

TEST_F(CheckTest, SaysWhatTheMountsMustBe) {
  // Whatever is linked from elsewhere than the escrow itself.
  class TwoMounts final : public PosixFileSystem {
   public:
    Result<std::unique_ptr<File>> Open(const std::string& root,
                                       const std::string& relative) override {
      class Foreign final : public File {
       public:
        Result<size_t> ReadAt(uint64_t, char*, size_t) override { return size_t{0}; }
        Result<FileStat> Stat() override { return FileStat{}; }
        Result<void> LinkTo(const std::string& path) override {
          return IoError("link", path, EXDEV);
        }
      };
      (void)root, (void)relative;
      return std::unique_ptr<File>(std::make_unique<Foreign>());
    }
  } files;
  EXPECT_THAT(CheckEscrow(config_, files),
              ElementsAre(AllOf(HasSubstr("it and \"/var/log/pods\" do not lie on one mount"),
                                HasSubstr("mount what contains both as one"))));
}

TEST_F(CheckTest, SaysWhoHasItAndWhatIsInTheWay) {
  config_.escrow.directory = "";
  EXPECT_THAT(CheckEscrow(config_, files_), ElementsAre(HasSubstr("switched off")));

  config_.escrow.directory = "/escrow";
  std::ofstream(root_ / "escrow") << "a file";
  EXPECT_THAT(CheckEscrow(config_, files_), ElementsAre(HasSubstr("must be able to make files")));
  fs::remove(root_ / "escrow");

  fs::create_directory(root_ / "escrow");
  const Result<std::unique_ptr<FileLock>> other = files_.Lock(root_ / "escrow");
  EXPECT_THAT(CheckEscrow(config_, files_), ElementsAre(HasSubstr("another agent has it")));
  // The agent of this very configuration, which runs.
  fs::create_directory(config_.state_dir);
  const Result<std::unique_ptr<FileLock>> own = files_.Lock(config_.state_dir + "/lock");
  EXPECT_THAT(CheckEscrow(config_, files_), IsEmpty());
}

// A fake, for answers on demand; that a real one answers so is proven with real servers.
TEST_F(CheckTest, SaysWhatASinkWouldNotTake) {
  const SystemClock clock;
  int status = 400;
  FakeHttpServer server([&](const FakeHttpServer::Request& request) {
    if (request.target.find("/_bulk") == std::string::npos)
      return FakeHttpServer::Answer(200, "{}");
    EXPECT_EQ(request.body, "\n") << "no document is sent";
    return FakeHttpServer::Answer(status, "{}");
  });
  SinkConfig search;
  search.name = "search";
  search.type = SinkType::kElasticsearch;
  search.elasticsearch.endpoints = {server.Url()};
  config_.sinks = {search};
  EXPECT_THAT(CheckSinksAnswer(config_, files_, clock), IsEmpty()) << "there was nothing to take";
  status = 401;
  EXPECT_THAT(CheckSinksAnswer(config_, files_, clock),
              ElementsAre(AllOf(HasSubstr("sinks.search: "), HasSubstr("401"))));
}

TEST_F(CheckTest, SaysWhereNobodyListens) {
  const SystemClock clock;
  SinkConfig search;
  search.name = "search";
  search.type = SinkType::kElasticsearch;
  search.elasticsearch.endpoints = {"http://127.0.0.1:1"};
  SinkConfig stream;
  stream.name = "stream";
  stream.type = SinkType::kKafka;
  stream.kafka.brokers = {"127.0.0.1:1"};
  stream.kafka.timeout = std::chrono::seconds(2);
  config_.sinks = {search, stream};
  EXPECT_THAT(CheckSinksAnswer(config_, files_, clock),
              ElementsAre(HasSubstr("sinks.search: cannot connect to \"http://127.0.0.1:1\""),
                          HasSubstr("sinks.stream: cannot send to Kafka at \"127.0.0.1:1\"")));
}

}  // namespace
}  // namespace hinomi
