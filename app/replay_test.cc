#include "app/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "shipper/sink/dead_letters.h"

namespace hinomi {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

using Decide = std::function<Attempt(Batch&)>;

class DecidingSink final : public Sink {
 public:
  DecidingSink(RecordFormat format, const Decide& decide) : format_(format), decide_(decide) {}
  RecordFormat format() const override { return format_; }
  Attempt Deliver(Batch& batch, uint32_t, const std::stop_token&) override {
    return decide_(batch);
  }

 private:
  const RecordFormat format_;
  const Decide& decide_;
};

std::string TextOf(const Batch& batch, const BatchRecord& record) {
  return batch.bytes.substr(record.begin, record.end - record.begin);
}

class ReplayTest : public ::testing::Test {
 protected:
  ReplayTest() {
    config_.state_dir = root_.path();
    config_.sinks.resize(1);
    config_.sinks[0].name = "stream";
    decide_ = [this](Batch& batch) { return Acknowledge(batch); };
  }

  static DeadLetter Letter(const std::string& record) {
    DeadLetter letter;
    letter.time = "2026-11-20T10:00:00.000Z";
    letter.sink = "stream";
    letter.route = "all";
    letter.type = "message_too_large";
    letter.reason = "too \x1b[1mlarge";
    letter.format = "json";
    letter.origin.pod.namespace_name = "shop";
    letter.origin.pod.pod_name = "web-1";
    letter.origin.pod.pod_uid = "uid";
    letter.origin.pod.container_name = "nginx";
    letter.origin.log_hash = 7;
    letter.ranges = {{3, 9, 100, 200}, {4, 10, 0, 50}};
    letter.record = record + "\n";
    return letter;
  }
  void Put(const DeadLetter& letter, int file = 1) {
    root_.Append("dead_letters/00000" + std::to_string(file) + ".ndjson", EncodeDeadLetter(letter));
  }
  std::string Content(int file = 1) const {
    std::stringstream text;
    text << std::ifstream(root_ / "dead_letters/00000" + std::to_string(file) + ".ndjson").rdbuf();
    return text.str();
  }
  bool Empty() const { return fs::is_empty(root_ / "dead_letters"); }

  Attempt Acknowledge(Batch& batch) {
    for (BatchRecord& record : batch.records) {
      if (record.outcome != Outcome::kPending) continue;
      sent_.push_back(TextOf(batch, record));
      sent_.back().pop_back();
      record.outcome = Outcome::kAcknowledged;
    }
    return {};
  }
  static void Refuse(Batch& batch, uint32_t record) {
    batch.records[record].outcome = Outcome::kRejected;
    batch.rejections.push_back({record, "again", "still too large"});
  }

  // What `run` writes, and below that what it complains of.
  std::string Output(const std::function<bool(Replay&)>& run) {
    char* text = nullptr;
    size_t size = 0;
    std::FILE* out = open_memstream(&text, &size);
    {
      Replay replay(config_, options_,
                    {files_, clock_,
                     [this](const SinkConfig&, const SinkSurroundings&) {
                       return std::make_unique<DecidingSink>(format_, decide_);
                     },
                     out, out});
      all_sent_ = run(replay);
    }
    std::fclose(out);
    std::string output(text, size);
    std::free(text);
    return output;
  }
  std::string Send() {
    return Output([this](Replay& replay) { return replay.Send(stop_.get_token()); });
  }

  TemporaryDirectory root_;
  PosixFileSystem files_;
  ManualClock clock_;
  Config config_;
  ReplayOptions options_;
  RecordFormat format_ = RecordFormat::kJson;
  Decide decide_;
  std::stop_source stop_;
  std::vector<std::string> sent_;
  bool all_sent_ = false;
};

TEST_F(ReplayTest, SendsWithAllThatASinkNeedsAndRemoves) {
  Put(Letter("one"));
  Put(Letter("two"));
  Put(Letter("three"), 2);
  decide_ = [&](Batch& batch) {
    EXPECT_NE(batch.number, 0u);
    for (const BatchRecord& record : batch.records) {
      const Slice& slice = batch.slices.at(record.slice);
      EXPECT_EQ(slice.origin->pod.namespace_name, "shop");
      EXPECT_EQ(slice.origin->pod.pod_uid, "uid");
      EXPECT_EQ(slice.origin->log_hash, 7u);
      EXPECT_EQ(slice.ranges.size(), 2u);
      EXPECT_EQ(record.source, (Position{3, 100}));
      EXPECT_EQ(record.source_end, (Position{4, 50}));
    }
    return Acknowledge(batch);
  };
  EXPECT_EQ(Send(), "3 sent, 0 refused again, 0 left\n");
  EXPECT_TRUE(all_sent_);
  EXPECT_THAT(sent_, ElementsAre("one", "two", "three"));
  EXPECT_TRUE(Empty());
}

TEST_F(ReplayTest, NothingThereIsNothingToDo) {
  EXPECT_EQ(Send(), "0 sent, 0 refused again, 0 left\n");
  EXPECT_TRUE(all_sent_);
  EXPECT_FALSE(fs::exists(root_ / "dead_letters"));
  EXPECT_EQ(Output([](Replay& replay) { return replay.List(); }), "There are none.\n");
}

TEST_F(ReplayTest, WhatIsRefusedAgainStaysWithTheNewReason) {
  for (const char* record : {"one", "two", "three"}) Put(Letter(record));
  decide_ = [&](Batch& batch) {
    Refuse(batch, 1);
    return Acknowledge(batch);
  };
  EXPECT_EQ(Send(), "2 sent, 1 refused again, 0 left\n");
  EXPECT_FALSE(all_sent_);
  DeadLetter want = Letter("two");
  want.type = "again";
  want.reason = "still too large";
  want.time = DeadLetterTime(clock_.Wall());
  EXPECT_EQ(Content(), EncodeDeadLetter(want));
}

TEST_F(ReplayTest, ASinkThatIsDownLeavesAllAsItIs) {
  Put(Letter("one"));
  Put(Letter("two"), 2);
  const std::string before = Content() + Content(2);
  int attempts = 0;
  decide_ = [&](Batch&) {
    ++attempts;
    return Attempt{"cannot send: connection refused; is it running?", "connect", {}};
  };
  EXPECT_EQ(Send(),
            "sink \"stream\": cannot send: connection refused; is it running?\n"
            "0 sent, 0 refused again, 2 left\n");
  EXPECT_FALSE(all_sent_);
  EXPECT_EQ(attempts, 3);
  EXPECT_EQ(Content() + Content(2), before);
}

TEST_F(ReplayTest, TakesOneBatchAfterTheOtherFromTheDisk) {
  config_.sinks[0].batch_bytes = 2500;
  for (int i = 0; i < 5; ++i) Put(Letter(std::to_string(i) + std::string(1000, 'x')));
  std::vector<size_t> batches, lines;
  decide_ = [&](Batch& batch) {
    const std::string content = Content();
    lines.push_back(static_cast<size_t>(std::count(content.begin(), content.end(), '\n')));
    batches.push_back(batch.records.size());
    return Acknowledge(batch);
  };
  EXPECT_EQ(Send(), "5 sent, 0 refused again, 0 left\n");
  EXPECT_THAT(batches, ElementsAre(2, 2, 1));
  EXPECT_THAT(lines, ElementsAre(5, 3, 1)) << "what is acknowledged is gone before the next";
}

TEST_F(ReplayTest, StopsBetweenAndWithinBatches) {
  config_.sinks[0].batch_bytes = 2500;
  for (int i = 0; i < 5; ++i) Put(Letter(std::to_string(i) + std::string(1000, 'x')));
  const std::string before = Content();
  decide_ = [&](Batch& batch) {
    if (batch.records.size() == 2 && TextOf(batch, batch.records[0])[0] == '0')
      return Acknowledge(batch);
    batch.records[0].outcome = Outcome::kAcknowledged;
    stop_.request_stop();
    return Attempt{"the agent is stopping", "stopped", {}};
  };
  EXPECT_EQ(Send(),
            "stopped; what was not acknowledged stays where it is\n"
            "3 sent, 0 refused again, 2 left\n");
  EXPECT_FALSE(all_sent_);
  EXPECT_EQ(Content(), before.substr(before.size() / 5 * 3));
}

TEST_F(ReplayTest, TakesWhatIsAskedForAlone) {
  std::vector<DeadLetter> letters(7, Letter("kept"));
  letters[0].sink = "other";
  letters[1].route = "other";
  letters[2].type = "other";
  letters[3].origin.pod.namespace_name = "other";
  letters[4].origin.pod.pod_name = "other";
  letters[5].time = "2026-11-20T09:59:59.999Z";
  letters[6].time = "2026-11-20T10:00:01.000Z";
  std::string before;
  for (const DeadLetter& letter : letters) {
    Put(letter);
    Put(Letter("sent"));
    before += EncodeDeadLetter(letter);
  }
  const Duration at = std::chrono::seconds(1795168800);  // 10:00:00
  options_ = {"str*", "a?l", "message_*", "shop", "web-*", at, at + std::chrono::seconds(1)};
  EXPECT_EQ(Send(), "7 sent, 0 refused again, 0 left\n");
  EXPECT_THAT(sent_, testing::Each("sent"));
  EXPECT_EQ(Content(), before);
}

TEST_F(ReplayTest, SaysWhatNoSinkCanBeGiven) {
  DeadLetter letter = Letter("one");
  letter.sink = "old";
  Put(letter);
  letter = Letter("two");
  letter.format = "bulk";
  Put(letter);
  Put(letter);
  root_.Append("dead_letters/000001.ndjson", "{}\n");
  Put(Letter("three"));
  const std::string before = Content();
  const std::string output = Send();
  EXPECT_THAT(output, HasSubstr("1 dead letter cannot be read, the last: time is missing"));
  EXPECT_THAT(output,
              HasSubstr("sink \"old\" is not in the configuration, and has 1 dead letter; name"));
  EXPECT_THAT(output, HasSubstr("dead letters of the format \"bulk\"; they are left for a sink"));
  EXPECT_THAT(output, HasSubstr("\n1 sent, 0 refused again, 3 left\n"));
  EXPECT_FALSE(all_sent_);
  EXPECT_EQ(Content(), before.substr(0, before.rfind("{\"version\"")));
}

TEST_F(ReplayTest, GivesRecordsOfOtlpWithTheirResource) {
  format_ = RecordFormat::kOtlp;
  const std::string resource("\x0a\x00", 2), record("\x12\x02\x2a\x00", 4);
  DeadLetter letter = Letter("{}");
  letter.format = "otlp_json";
  Put(letter);  // as an earlier agent has written it
  const std::string before = Content();
  letter.encoded = resource + record;
  for (int i = 0; i < 2; ++i) Put(letter);
  decide_ = [&](Batch& batch) {
    for (const BatchRecord& given : batch.records) {
      const Slice& slice = batch.slices.at(given.slice);
      EXPECT_EQ(TextOf(batch, given), record);
      EXPECT_EQ(batch.bytes.substr(slice.head_begin, slice.head_end - slice.head_begin), resource);
    }
    Refuse(batch, 1);
    batch.records[0].outcome = Outcome::kAcknowledged;
    return Attempt{};
  };
  const std::string output = Send();
  EXPECT_THAT(output, HasSubstr("dead letters of an earlier hinomi, which show a record and do"));
  EXPECT_THAT(output, HasSubstr("\n1 sent, 1 refused again, 1 left\n"));
  letter.type = "again";
  letter.reason = "still too large";
  letter.time = DeadLetterTime(clock_.Wall());
  EXPECT_EQ(Content(), before + EncodeDeadLetter(letter));
}

TEST_F(ReplayTest, GivesAnArchiveOnlyWhatItCanTellApart) {
  config_.sinks[0].type = SinkType::kArchive;
  DeadLetter letter = Letter("one");
  letter.ranges[1].segment_key = 0;
  Put(letter);
  letter = Letter("two");
  letter.origin.log_hash = 0;
  Put(letter);
  Put(Letter("three"));
  EXPECT_THAT(Send(), HasSubstr("sink \"stream\" is an archive, which could not tell"));
  EXPECT_THAT(sent_, ElementsAre("three"));
}

TEST_F(ReplayTest, LeavesWhatTheAgentWritesMeanwhile) {
  Put(Letter("one"));
  Metrics metrics;
  DeadLetters agent({.directory = root_ / "dead_letters"}, {files_, clock_, metrics});
  decide_ = [&](Batch& batch) {
    Put(Letter("two"));
    batch.rejections = {{0, "t", "r"}};
    EXPECT_TRUE(agent.Append(batch, {"stream", "all", RecordFormat::kJson}));
    batch.rejections.clear();
    return Acknowledge(batch);
  };
  EXPECT_EQ(Send(), "1 sent, 0 refused again, 0 left\n");
  EXPECT_EQ(Content(), EncodeDeadLetter(Letter("two")));
  EXPECT_THAT(Content(2), HasSubstr("\"record\":\"one"));
}

TEST_F(ReplayTest, BearsThatTheAgentDiscardsMeanwhile) {
  Put(Letter("one"));
  Put(Letter("two"), 2);
  decide_ = [&](Batch& batch) {
    fs::remove(root_ / "dead_letters/000001.ndjson");
    return Acknowledge(batch);
  };
  EXPECT_EQ(Send(), "2 sent, 0 refused again, 0 left\n");
  EXPECT_TRUE(Empty());
}

TEST_F(ReplayTest, SaysThatWhatItSentCouldNotBeTakenAway) {
  Put(Letter("one"));
  const std::string before = Content();
  std::unique_ptr<FileLock> held;
  decide_ = [&](Batch& batch) {
    held = std::move(files_.Lock(root_ / "dead_letters").value());
    return Acknowledge(batch);
  };
  EXPECT_THAT(Send(), HasSubstr("uses this directory; what was sent of it will be sent once more"));
  EXPECT_FALSE(all_sent_);
  EXPECT_EQ(Content(), before);
}

TEST_F(ReplayTest, RunsAlone) {
  Put(Letter("one"));
  const auto other = files_.Lock(root_.path());
  EXPECT_THAT(Send(), HasSubstr("another `hinomi replay` runs"));
  EXPECT_FALSE(all_sent_);
  EXPECT_FALSE(Empty());
}

TEST_F(ReplayTest, ListsBySinkRouteAndType) {
  Put(Letter("one"));
  DeadLetter letter = Letter("another");
  letter.time = "2026-11-20T11:00:00.000Z";
  Put(letter, 2);
  letter.sink = "old";
  Put(letter);
  EXPECT_EQ(
      Output([](Replay& replay) { return replay.List(); }),
      "1 of sink \"old\" (not in the configuration), route \"all\": message_too_large, 8 bytes, "
      "from 2026-11-20T11:00:00.000Z to 2026-11-20T11:00:00.000Z\n"
      "  the last, of shop/web-1/nginx: too  [1mlarge\n"
      "2 of sink \"stream\", route \"all\": message_too_large, 12 bytes, from "
      "2026-11-20T10:00:00.000Z to 2026-11-20T11:00:00.000Z\n"
      "  the last, of shop/web-1/nginx: too  [1mlarge\n");
  EXPECT_TRUE(sent_.empty());
}

}  // namespace
}  // namespace hinomi
