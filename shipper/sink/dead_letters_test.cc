#include "shipper/sink/dead_letters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "shipper/sink/dead_letter_format.h"

namespace hinomi {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr Refuser kRefuser = {"search", "prod", RecordFormat::kBulk};

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
    origin->log_hash = 0xab;
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
    batch.records[1].source_end = {.segment = 4, .offset = 16};
    batch.slices[0].ranges = {{3, 0xcd, 0, 5000}, {4, 0xef, 0, 900}};
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
  ASSERT_TRUE(letters.Append(OneRejection(record), kRefuser));
  EXPECT_THAT(Files(), testing::ElementsAre("000001.ndjson"));
  const std::string content = Content("000001.ndjson");
  EXPECT_EQ(std::count(content.begin(), content.end(), '\n'), 1);
  EXPECT_THAT(
      content,
      testing::StartsWith(
          R"({"version":2,"time":"2026-01-01T00:00:00.123Z","sink":"search","route":"prod",)"
          R"("type":"document_parsing_exception","reason":"no \"number\"","namespace":"prod","pod":"web-1",)"
          R"("pod_uid":"uid","container":"nginx","log":"/var/log/pods/x/0.log",)"
          R"("log_key":"00000000000000ab","ranges":[{"segment":3,"key":"00000000000000cd",)"
          R"("begin":4096,"end":5000},{"segment":4,"key":"00000000000000ef","begin":0,"end":16}],)"
          R"("format":"bulk","record":)"));
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  ASSERT_EQ(parser.parse(content).get(document), simdjson::SUCCESS);
  EXPECT_EQ(std::string_view(document["record"]), record);
}

TEST_F(DeadLettersTest, ShowsARecordOfOtlpAndHoldsIt) {
  DeadLetters letters = Make();
  const std::string resource("\x0a\x00", 2), record(
                                                 "\x12\x07\x2a\x05\x0a\x03"
                                                 "abc");
  Batch batch = OneRejection(resource + record);
  batch.slices[0].head_begin = batch.records[1].begin;
  batch.slices[0].head_end = batch.records[1].begin += 2;
  ASSERT_TRUE(letters.Append(batch, {"otel", "prod", RecordFormat::kOtlp}));
  const std::string content = Content("000001.ndjson");
  EXPECT_THAT(content, HasSubstr(R"("format":"otlp_json","record":"{\"resourceLogs\":[)"));
  EXPECT_THAT(content, HasSubstr(R"(\"body\":{\"stringValue\":\"abc\"})"));
  const Result<DeadLetter> letter = ParseDeadLetter(content.substr(0, content.size() - 1));
  ASSERT_TRUE(letter) << letter.error().message;
  EXPECT_EQ(letter->encoded, resource + record);
}

TEST_F(DeadLettersTest, OnlyTheOwnerMayRead) {
  DeadLetters letters = Make();
  ASSERT_TRUE(letters.Append(OneRejection("x\n"), kRefuser));
  struct stat info {};
  ASSERT_EQ(stat(directory_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(DeadLettersTest, NothingToWriteMakesNothing) {
  DeadLetters letters = Make();
  Batch batch = OneRejection("x\n");
  batch.rejections.clear();
  ASSERT_TRUE(letters.Append(batch, kRefuser));
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(DeadLettersTest, DiscardsTheOldestBeyondTheLimit) {
  constexpr uint64_t kBytesMax = 64 << 10;
  DeadLetters letters = Make(kBytesMax);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(
        letters.Append(OneRejection(std::to_string(i) + std::string(1000, 'x') + "\n"), kRefuser));
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
  ASSERT_TRUE(Make().Append(OneRejection("first\n"), kRefuser));
  std::ofstream(directory_ + "/000001.ndjson", std::ios::app) << "{\"torn";
  std::ofstream(directory_ + "/notes.txt") << "not ours";
  std::ofstream(directory_ + "/x1.ndjson") << "not ours";
  const std::string before = Content("000001.ndjson");
  ASSERT_TRUE(Make().Append(OneRejection("second\n"), kRefuser));
  EXPECT_EQ(Content("000001.ndjson"), before);
  EXPECT_THAT(Content("000002.ndjson"), HasSubstr("second"));
  EXPECT_THAT(metrics_.Expose(),
              HasSubstr("hinomi_dead_letters_bytes " +
                        std::to_string(before.size() + Content("000002.ndjson").size())));
}

TEST_F(DeadLettersTest, NoticesWhatOthersTakeAway) {
  DeadLetters letters = Make();
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hinomi_dead_letters_bytes_max 67108864"));
  ASSERT_TRUE(letters.Append(OneRejection("first\n"), kRefuser));
  ASSERT_TRUE(letters.Append(OneRejection("second\n"), kRefuser));
  const std::string content = Content("000001.ndjson");
  const size_t first = content.find('\n') + 1;
  const DeadLetterFiles others(files_, directory_);
  ASSERT_TRUE(others.Replace(1, {0, first}, ""));
  letters.Look();
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hinomi_dead_letters_bytes " +
                                           std::to_string(content.size() - first) + "\n"));
  ASSERT_TRUE(letters.Append(OneRejection("third\n"), kRefuser));
  EXPECT_THAT(Content("000001.ndjson"), testing::StartsWith(content.substr(first)));
  EXPECT_THAT(Content("000001.ndjson"), HasSubstr("third"));

  ASSERT_TRUE(others.Remove(1));
  letters.Look();
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hinomi_dead_letters_bytes 0\n"));
  ASSERT_TRUE(letters.Append(OneRejection("fourth\n"), kRefuser));
  EXPECT_THAT(Files(), testing::ElementsAre("000002.ndjson")) << "no number comes twice in a run";
}

// A directory whose name is not on the disk is lost in a power cut, with the letters in it.
TEST_F(DeadLettersTest, SyncsTheDirectorysNameUntilThatSucceeds) {
  struct FailsOnce final : PosixFileSystem {
    Result<void> MakePrivateDirectory(const std::string& path) override {
      const Result<void> made = PosixFileSystem::MakePrivateDirectory(path);
      return ++calls == 1 ? Error{ErrorKind::kIo, "cannot sync", EIO} : made;
    }
    int calls = 0;
  };
  FailsOnce files;
  DeadLetters letters({.directory = directory_}, {files, clock_, metrics_});
  EXPECT_FALSE(letters.Append(OneRejection("x\n"), kRefuser));
  EXPECT_TRUE(letters.Append(OneRejection("x\n"), kRefuser));
  EXPECT_TRUE(letters.Append(OneRejection("x\n"), kRefuser));
  EXPECT_EQ(files.calls, 2);
  DeadLetters next({.directory = directory_}, {files, clock_, metrics_});
  EXPECT_TRUE(next.Append(OneRejection("x\n"), kRefuser));
  EXPECT_EQ(files.calls, 3) << "the run before may have been killed in between";
}

TEST_F(DeadLettersTest, WaitsWhileAnotherProcessHasTheDirectory) {
  DeadLetters letters = Make();
  ASSERT_TRUE(letters.Append(OneRejection("first\n"), kRefuser));
  const std::string before = Content("000001.ndjson");
  {
    const auto lock = files_.Lock(directory_);
    ASSERT_TRUE(lock);
    const Result<void> result = letters.Append(OneRejection("second\n"), kRefuser);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kTransient);
    EXPECT_EQ(Content("000001.ndjson"), before);
  }
  EXPECT_TRUE(letters.Append(OneRejection("second\n"), kRefuser));
}

TEST_F(DeadLettersTest, AnErrorWhenItCannotBeWritten) {
  std::ofstream(directory_) << "a file in the way";
  DeadLetters letters = Make();
  const Result<void> result = letters.Append(OneRejection("x\n"), kRefuser);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kIo);
  EXPECT_THAT(result.error().message, HasSubstr(directory_));
  fs::remove(directory_);
  EXPECT_TRUE(letters.Append(OneRejection("x\n"), kRefuser)) << "and works once it can";
}

}  // namespace
}  // namespace hinomi
