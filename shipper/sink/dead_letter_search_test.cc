#include "shipper/sink/dead_letter_search.h"

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/sink/dead_letters.h"

namespace hinomi {
namespace {

class DeadLetterSearchTest : public ::testing::Test {
 protected:
  void Append(const std::string& uid, const std::string& reason, const std::string& record) {
    auto origin = std::make_shared<Origin>();
    origin->pod.pod_uid = uid;
    origin->pod.container_name = "nginx";
    Batch batch;
    batch.slices.resize(1);
    batch.slices[0].origin = origin;
    batch.bytes = record;
    batch.records.resize(1);
    batch.records[0].end = static_cast<uint32_t>(record.size());
    batch.rejections = {{0, "document_parsing_exception", reason}};
    ASSERT_TRUE(letters_.Append(batch, {"search", "all", RecordFormat::kBulk}));
  }
  DeadLetterFacts Find(const std::string& uid) {
    const ContainerKey key(uid, "nginx");
    return FindDeadLetters(files_, root_ / "dead", {key})[key];
  }

  TemporaryDirectory root_;
  PosixFileSystem files_;
  ManualClock clock_;
  Metrics metrics_;
  DeadLetters letters_{{.directory = root_ / "dead", .bytes_max = 8 << 20},
                       {files_, clock_, metrics_}};
};

TEST_F(DeadLetterSearchTest, CountsAContainersAndTellsTheLastReason) {
  EXPECT_EQ(Find("one").records, 0u);  // no directory yet
  Append("one", "first", "record\n");
  Append("two", "other", "record\n");
  Append("one", "no \"number\" \\ here", "record\n");
  const DeadLetterFacts one = Find("one");
  EXPECT_EQ(one.records, 2u);
  EXPECT_EQ(one.last_reason, "document_parsing_exception: no \"number\" \\ here");
  EXPECT_TRUE(one.last_time.ends_with("Z")) << one.last_time;
  EXPECT_EQ(Find("two").records, 1u);
  EXPECT_EQ(Find("three").records, 0u);
}

TEST_F(DeadLetterSearchTest, BelievesNothingThatIsWithinARecord) {
  const std::string forged = R"(,"pod_uid":"one","container":"nginx")";
  Append("two", forged, "{" + forged + "}\n");
  EXPECT_EQ(Find("one").records, 0u);
  EXPECT_EQ(Find("two").records, 1u);
}

TEST_F(DeadLetterSearchTest, ReadsLinesLongerThanABlockAndAllFiles) {
  for (int i = 0; i < 5; ++i) Append(i % 2 == 0 ? "one" : "two", "long", std::string(1500000, 'x'));
  EXPECT_EQ(Find("one").records, 3u);
  EXPECT_EQ(Find("one").last_reason, "document_parsing_exception: long");
}

TEST_F(DeadLetterSearchTest, LeavesATornLineOut) {
  Append("one", "whole", "record\n");
  root_.Append("dead/000001.ndjson", R"({"time":"x","pod_uid":"one","container":"nginx","rec)");
  EXPECT_EQ(Find("one").records, 1u);
}

}  // namespace
}  // namespace hinomi
