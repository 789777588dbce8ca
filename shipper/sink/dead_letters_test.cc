#include "shipper/sink/dead_letters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace hinomi {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FixedClock final : public Clock {
 public:
  Duration Monotonic() const override { return {}; }
  Duration Wall() const override { return std::chrono::milliseconds(1767225600123); }
};

class DeadLettersTest : public testing::Test {
 protected:
  DeadLettersTest() {
    char path[] = "/tmp/hinomi-dead-letters-XXXXXX";
    root_ = mkdtemp(path);
    directory_ = root_ + "/dead_letters";
  }
  ~DeadLettersTest() override { fs::remove_all(root_); }

  DeadLetters Make(uint64_t bytes_max = 64 << 20) {
    return DeadLetters({.directory = directory_, .bytes_max = bytes_max},
                       {files_, clock_, metrics_});
  }

  static Batch OneRejection(const std::string& record) {
    auto origin = std::make_shared<Origin>();
    origin->pod.namespace_name = "prod";
    origin->pod.pod_name = "web-1";
    origin->pod.pod_uid = "uid";
    origin->pod.container_name = "nginx";
    origin->path = "/var/log/pods/x/0.log";
    Batch batch;
    batch.slices.resize(1);
    batch.slices[0].origin = origin;
    batch.bytes = "good\n" + record;
    batch.records.resize(2);
    batch.records[0].end = 5;
    batch.records[1].begin = 5;
    batch.records[1].end = static_cast<uint32_t>(batch.bytes.size());
    batch.records[1].source_bytes = 237;
    batch.records[1].source = {.segment = 3, .offset = 4096};
    batch.rejections = {{1, "document_parsing_exception", "no \"number\""}};
    return batch;
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string Content(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(directory_ + "/" + name).rdbuf();
    return text.str();
  }
  uint64_t Bytes() const {
    uint64_t bytes = 0;
    for (const std::string& name : Files()) bytes += fs::file_size(directory_ + "/" + name);
    return bytes;
  }

  std::string root_;
  std::string directory_;
  PosixFileSystem files_;
  FixedClock clock_;
  Metrics metrics_;
};

TEST_F(DeadLettersTest, KeepsWhatAPersonNeeds) {
  const std::string record = "{\"create\":{}}\n{\"m\":\"\\u0001 \t é\"}\n";
  DeadLetters letters = Make();
  ASSERT_TRUE(letters.Append(OneRejection(record), "search", "prod"));
  EXPECT_THAT(Files(), testing::ElementsAre("000001.ndjson"));
  const std::string content = Content("000001.ndjson");
  EXPECT_EQ(std::count(content.begin(), content.end(), '\n'), 1);
  EXPECT_THAT(
      content,
      testing::StartsWith(
          R"({"time":"2026-01-01T00:00:00.123Z","sink":"search","route":"prod",)"
          R"("type":"document_parsing_exception","reason":"no \"number\"","namespace":"prod","pod":"web-1",)"
          R"("pod_uid":"uid","container":"nginx","log":"/var/log/pods/x/0.log",)"
          R"("segment":3,"offset":4096,"bytes":237,"record":)"));
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  ASSERT_EQ(parser.parse(content).get(document), simdjson::SUCCESS);
  EXPECT_EQ(std::string_view(document["record"]), record);
}

TEST_F(DeadLettersTest, ShowsARecordThatIsNoText) {
  DeadLetters letters = Make();
  Batch batch = OneRejection(std::string("\x12\0\xff", 3));
  batch.rejections[0].shown = R"({"resourceLogs":[]})";
  ASSERT_TRUE(letters.Append(batch, "otel", "prod"));
  EXPECT_THAT(Content("000001.ndjson"), HasSubstr(R"("record":"{\"resourceLogs\":[]}"})"));
}

TEST_F(DeadLettersTest, OnlyTheOwnerMayRead) {
  DeadLetters letters = Make();
  ASSERT_TRUE(letters.Append(OneRejection("x\n"), "search", "prod"));
  struct stat info {};
  ASSERT_EQ(stat(directory_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(DeadLettersTest, NothingToWriteMakesNothing) {
  DeadLetters letters = Make();
  Batch batch = OneRejection("x\n");
  batch.rejections.clear();
  ASSERT_TRUE(letters.Append(batch, "search", "prod"));
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(DeadLettersTest, DiscardsTheOldestBeyondTheLimit) {
  constexpr uint64_t kBytesMax = 64 << 10;
  DeadLetters letters = Make(kBytesMax);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(letters.Append(OneRejection(std::to_string(i) + std::string(1000, 'x') + "\n"),
                               "search", "prod"));
    EXPECT_LE(Bytes(), kBytesMax);
  }
  const auto files = Files();
  EXPECT_NE(files.front(), "000001.ndjson");
  EXPECT_THAT(Content(files.back()), HasSubstr("\"record\":\"99x"));
  size_t kept = 0;
  for (const std::string& name : files) {
    const std::string content = Content(name);
    kept += static_cast<size_t>(std::count(content.begin(), content.end(), '\n'));
  }
  EXPECT_GT(kept, 35u);
  const std::string metrics = metrics_.Expose();
  EXPECT_THAT(metrics,
              HasSubstr("hinomi_dead_letters_discarded_total " + std::to_string(100 - kept)));
  EXPECT_THAT(metrics, HasSubstr("hinomi_dead_letters_bytes " + std::to_string(Bytes())));
}

TEST_F(DeadLettersTest, ContinuesAfterARestart) {
  ASSERT_TRUE(Make().Append(OneRejection("first\n"), "search", "prod"));
  std::ofstream(directory_ + "/000001.ndjson", std::ios::app) << "{\"torn";
  std::ofstream(directory_ + "/notes.txt") << "not ours";
  std::ofstream(directory_ + "/x1.ndjson") << "not ours";
  const std::string before = Content("000001.ndjson");
  ASSERT_TRUE(Make().Append(OneRejection("second\n"), "search", "prod"));
  EXPECT_EQ(Content("000001.ndjson"), before);
  EXPECT_THAT(Content("000002.ndjson"), HasSubstr("second"));
  EXPECT_THAT(metrics_.Expose(),
              HasSubstr("hinomi_dead_letters_bytes " +
                        std::to_string(before.size() + Content("000002.ndjson").size())));
}

TEST_F(DeadLettersTest, AnErrorWhenItCannotBeWritten) {
  std::ofstream(directory_) << "a file in the way";
  DeadLetters letters = Make();
  const Result<void> result = letters.Append(OneRejection("x\n"), "search", "prod");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kIo);
  EXPECT_THAT(result.error().message, HasSubstr(directory_));
  fs::remove(directory_);
  EXPECT_TRUE(letters.Append(OneRejection("x\n"), "search", "prod")) << "and works once it can";
}

}  // namespace
}  // namespace hinomi
