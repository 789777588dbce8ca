#include "app/status_board.h"

#include <gmock/gmock.h>
#include <rapidjson/document.h>

#include <thread>

namespace hinomi {
namespace {

using std::chrono::seconds;

class StatusBoardTest : public ::testing::Test {
 protected:
  StatusBoardTest() { sample_.at = seconds(100); }

  LogStatus& AddLog(const std::string& pod) {
    auto origin = std::make_shared<Origin>();
    origin->pod.namespace_name = "prod";
    origin->pod.pod_name = pod;
    origin->pod.container_name = "main";
    const uint64_t handle = sample_.shipper.logs.logs.size() + 1;
    return sample_.shipper.logs.logs.emplace_back(LogStatus{handle, origin});
  }
  // Two seconds later, `lines` more of ten bytes each.
  void Flow(size_t log, uint64_t lines) {
    sample_.at += StatusBoard::kEvery;
    LogsStatus& logs = sample_.shipper.logs;
    logs.logs[log].lines += lines;
    logs.logs[log].bytes += lines * 10;
    logs.lines += lines;
    logs.bytes += lines * 10;
    board_.Sample();
  }
  const rapidjson::Document& Parse() {
    const std::string json = board_.Json();
    document_.Parse(json.c_str());
    EXPECT_FALSE(document_.HasParseError()) << json;
    return document_;
  }

  StatusSample sample_;
  StatusBoard board_{{"demo", "node-1", seconds(40)}, [this] { return sample_; }};
  rapidjson::Document document_;
};

TEST_F(StatusBoardTest, SaysWhoAndHowLong) {
  sample_.usage = {12 << 20, 1.5};
  sample_.shipper.sources = {{"kubernetes", "/var/log/pods", "it is not there"}};
  board_.Sample();
  const auto& status = Parse();
  EXPECT_STREQ(status["node"].GetString(), "node-1");
  EXPECT_STREQ(status["cluster"].GetString(), "demo");
  EXPECT_EQ(status["uptime_seconds"].GetDouble(), 60);
  EXPECT_EQ(status["process"]["resident_bytes"].GetUint64(), 12u << 20);
  EXPECT_EQ(status["process"]["cpu_seconds"].GetDouble(), 1.5);
  EXPECT_FALSE(status["sources"][0]["ready"].GetBool());
  EXPECT_STREQ(status["sources"][0]["why"].GetString(), "it is not there");
  EXPECT_EQ(status["logs_total"].GetUint64(), 0u);
  EXPECT_EQ(status["totals"]["lines_per_second"].GetDouble(), 0);
}

TEST_F(StatusBoardTest, RatesAreMeansOfTenSecondsOrALittleMore) {
  AddLog("web");
  board_.Sample();
  for (int i = 0; i < 3; ++i) Flow(0, 200);
  EXPECT_NEAR(Parse()["totals"]["lines_per_second"].GetDouble(), 100, 0.1);  // since the start
  for (int i = 0; i < 5; ++i) Flow(0, i == 4 ? 500 : 0);
  EXPECT_NEAR(Parse()["totals"]["lines_per_second"].GetDouble(), 50, 0.1);
  EXPECT_NEAR(document_["totals"]["bytes_per_second"].GetDouble(), 500, 0.1);
  EXPECT_NEAR(document_["logs"][0]["lines_per_second"].GetDouble(), 50, 0.1);
  EXPECT_EQ(document_["logs"][0]["lines"].GetUint64(), 1100u);
  for (int i = 0; i < 8; ++i) Flow(0, 0);
  EXPECT_EQ(Parse()["totals"]["lines_per_second"].GetDouble(), 0);
}

TEST_F(StatusBoardTest, KeepsTwoMinutesOfHistory) {
  AddLog("web");
  board_.Sample();
  for (int i = 0; i < 100; ++i) Flow(0, 20);
  const auto& history = Parse()["history"];
  EXPECT_EQ(history["every_seconds"].GetDouble(), 2);
  for (const char* series : {"lines_per_second", "bytes_per_second", "pending_bytes",
                             "oldest_unsettled_seconds", "resident_bytes", "cpu_percent"}) {
    EXPECT_EQ(history[series].Size(), 60u) << series;
  }
  EXPECT_NEAR(history["lines_per_second"][59].GetDouble(), 10, 0.1);
}

TEST_F(StatusBoardTest, TotalsSumAndTheWorstLeads) {
  AddLog("quiet");
  AddLog("busy");
  AddLog("stuck").pending_bytes = 700;
  sample_.shipper.logs.logs[2].oldest = seconds(90);
  AddLog("behind").pending_bytes = 50;
  sample_.shipper.logs.logs[3].oldest = seconds(3);
  board_.Sample();
  Flow(1, 10);
  const auto& status = Parse();
  EXPECT_EQ(status["totals"]["pending_bytes"].GetUint64(), 750u);
  EXPECT_EQ(status["totals"]["oldest_unsettled_seconds"].GetDouble(), 90);
  std::vector<std::string> pods;
  for (const auto& log : status["logs"].GetArray()) pods.emplace_back(log["pod"].GetString());
  EXPECT_THAT(pods, ::testing::ElementsAre("stuck", "behind", "busy", "quiet"));
}

TEST_F(StatusBoardTest, ShowsFiveHundredLogsAtMost) {
  for (int i = 0; i < 5000; ++i) AddLog("pod-" + std::to_string(i)).pending_bytes = i;
  board_.Sample();
  const auto& status = Parse();
  EXPECT_EQ(status["logs_total"].GetUint64(), 5000u);
  EXPECT_EQ(status["logs"].Size(), 500u);
  EXPECT_STREQ(status["logs"][0]["pod"].GetString(), "pod-4999");
  EXPECT_STREQ(status["logs"][499]["pod"].GetString(), "pod-4500");
}

TEST_F(StatusBoardTest, SinksSayWhatIsWrong) {
  SinkStatus sink{"search", "elasticsearch", "http://a:9200 into logs", {}};
  sink.delivery = {SinkState::kFailing, "connection refused", seconds(120), 7, 70, 4096};
  sample_.shipper.sinks = {sink};
  board_.Sample();
  sample_.at += seconds(2);
  sample_.shipper.sinks[0].delivery.records += 30;
  board_.Sample();
  const auto& shown = Parse()["sinks"][0];
  EXPECT_STREQ(shown["state"].GetString(), "failing");
  EXPECT_STREQ(shown["error"].GetString(), "connection refused");
  EXPECT_EQ(shown["since_seconds"].GetDouble(), 120);
  EXPECT_EQ(shown["batches"].GetUint64(), 7u);
  EXPECT_EQ(shown["in_flight_bytes"].GetUint64(), 4096u);
  EXPECT_NEAR(shown["records_per_second"].GetDouble(), 15, 0.1);
}

TEST_F(StatusBoardTest, AnyBytesBecomeJson) {
  AddLog("a\"b\\c\n\x01\xff\xe7\x81\xab</script>");
  sample_.usage.cpu_seconds = std::numeric_limits<double>::quiet_NaN();
  board_.Sample();
  EXPECT_STREQ(Parse()["logs"][0]["pod"].GetString(),
               "a\"b\\c\n\x01\xef\xbf\xbd\xe7\x81\xab</script>");
}

TEST_F(StatusBoardTest, EventsComeOnceForEachSample) {
  board_.Sample();
  uint64_t seen = 0;
  std::stop_source stop;
  const std::optional<std::string> first = board_.NextEvent(&seen, stop.get_token());
  EXPECT_EQ(first, "event: status\ndata: " + board_.Json() + "\n\n");
  std::jthread later([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    board_.Sample();
  });
  EXPECT_TRUE(board_.NextEvent(&seen, stop.get_token()));
  EXPECT_EQ(seen, 2u);
  later = std::jthread([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stop.request_stop();
  });
  EXPECT_FALSE(board_.NextEvent(&seen, stop.get_token()));
}

}  // namespace
}  // namespace hinomi
