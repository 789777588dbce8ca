#include "shipper/sink/earlier_copies.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "base/fake_http_server.h"
#include "base/manual_clock.h"

namespace hinomi {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

using Request = FakeHttpServer::Request;
using Reply = FakeHttpServer::Reply;

constexpr int64_t kRollover = 1'800'000'000;  // Unix time
constexpr const char* kBefore = "2027-01-15T07:00:00Z";
constexpr const char* kAfter = "2027-01-15T09:00:00Z";
constexpr Duration kLater = seconds(kRollover + 7200);
constexpr Duration kLongAgo = seconds(kRollover - 72000);

/// A stream with two backing indices that has the documents of `stored`.
class Stream {
 public:
  Reply operator()(const Request& request) {
    const std::lock_guard lock(mutex_);
    if (fault && request.target.find(fault_at) != std::string::npos) return *fault;
    if (request.target.starts_with("/_resolve/index/")) {
      std::string indices = R"(".ds-logs-1")";
      if (rolled_over) indices += R"(,".ds-logs-2")";
      return FakeHttpServer::Answer(
          200, fmt::format(R"({{"data_streams":[{{"backing_indices":[{}]}}]}})", indices));
    }
    if (request.target.starts_with("/.ds-logs-2/_settings/")) {
      return FakeHttpServer::Answer(
          200,
          fmt::format(R"({{".ds-logs-2":{{"settings":{{"index":{{"creation_date":"{}000"}}}}}}}})",
                      kRollover));
    }
    if (request.target.find("/_search?") == std::string::npos) {
      EXPECT_THAT(request.target, testing::EndsWith("/_refresh"));
      return FakeHttpServer::Answer(200, "{}");
    }
    ids_max =
        std::max<size_t>(ids_max, std::count(request.body.begin(), request.body.end(), '"') / 2);
    std::string hits;
    for (const std::string& id : stored) {
      if (request.body.find('"' + id + '"') == std::string::npos) continue;
      hits += fmt::format(R"({}{{"_id":"{}"}})", hits.empty() ? "" : ",", id);
    }
    return FakeHttpServer::Answer(200, fmt::format(R"({{"hits":{{"hits":[{}]}}}})", hits));
  }

  bool rolled_over = true;
  std::set<std::string> stored;
  size_t ids_max = 0;
  std::optional<Reply> fault;
  std::string fault_at;

  /// While requests may come.
  void Fail(const std::string& at, std::optional<Reply> with) {
    const std::lock_guard lock(mutex_);
    fault_at = at;
    fault = std::move(with);
  }
  void Store(std::vector<std::string> ids) {
    const std::lock_guard lock(mutex_);
    stored = {ids.begin(), ids.end()};
  }

 private:
  std::mutex mutex_;
};

class EarlierCopiesTest : public testing::Test {
 protected:
  EarlierCopiesTest() { config_.endpoints = {server_.Url()}; }

  void Add(const std::string& id, const char* time, const std::string& index = "") {
    BatchRecord record;
    record.begin = static_cast<uint32_t>(batch_.bytes.size());
    batch_.bytes += fmt::format(R"({{"create":{{{}{}}}}})",
                                index.empty() ? "" : fmt::format(R"("_index":"{}",)", index),
                                id.empty() ? "" : fmt::format(R"("_id":"{}")", id));
    batch_.bytes += fmt::format("\n{{\"@timestamp\":\"{}\",\"message\":\"\"}}\n", time);
    record.end = static_cast<uint32_t>(batch_.bytes.size());
    record.slice = slice_;
    pending_.push_back(static_cast<uint32_t>(batch_.records.size()));
    batch_.records.push_back(record);
  }
  Attempt Acknowledge(Duration doubt_until) {
    EXPECT_EQ(client_.Begin({}).error, "");
    return copies_.Acknowledge(client_, doubt_until, &batch_, &pending_);
  }
  std::vector<std::string> Asked() {
    std::vector<std::string> targets;
    for (const Request& request : server_.Requests()) {
      targets.push_back(request.target.substr(0, request.target.find('?')));
    }
    return targets;
  }

  Stream stream_;
  FakeHttpServer server_{[this](const Request& request) { return stream_(request); }};
  ElasticsearchConfig config_;
  ManualClock clock_;
  PosixFileSystem files_;
  std::vector<std::string> urls_ = {server_.Url()};
  Endpoints endpoints_{urls_, clock_};
  ElasticsearchClient client_{{config_, endpoints_, files_, clock_}, 0};
  EarlierCopies copies_{"search", "logs"};
  Batch batch_;
  uint32_t slice_ = 0;
  std::vector<uint32_t> pending_;
};

TEST_F(EarlierCopiesTest, AcknowledgesWhatIsStored) {
  stream_.Store({"b", "d"});
  for (const char* id : {"a", "b", "c"}) Add(id, kBefore);
  Add("d", kAfter);
  Add("e", "2027-01-15T17:00:30.5+09:00");
  EXPECT_EQ(Acknowledge(kLater).error, "");
  EXPECT_THAT(pending_, ElementsAre(0, 2, 3, 4))
      << "what was written after the rollover is not asked for";
  EXPECT_EQ(batch_.records[1].outcome, Outcome::kAcknowledged);
  EXPECT_THAT(Asked(),
              ElementsAre("/_resolve/index/logs", "/.ds-logs-2/_settings/index.creation_date",
                          "/logs/_refresh", "/logs/_search"));
  EXPECT_EQ(Acknowledge(kLater).error, "");
  EXPECT_THAT(Asked(), SizeIs(6)) << "what the stream is has not changed";
}

TEST_F(EarlierCopiesTest, AsksNothingWithoutDoubt) {
  Add("a", kBefore);
  Add("b", "no time");
  slice_ = 1;
  Add("c", kAfter);
  EXPECT_EQ(Acknowledge(kLongAgo).error, "");
  EXPECT_THAT(Asked(), IsEmpty());
  EXPECT_THAT(pending_, SizeIs(3));
}

TEST_F(EarlierCopiesTest, NeitherWithoutIdsNorWithoutARollover) {
  Add("", kBefore);
  EXPECT_EQ(Acknowledge(kLater).error, "");
  EXPECT_THAT(Asked(), IsEmpty());
  stream_.rolled_over = false;
  slice_ = 1;
  Add("a", kBefore);
  EXPECT_EQ(Acknowledge(kLater).error, "");
  EXPECT_THAT(Asked(), ElementsAre("/_resolve/index/logs"));
}

TEST_F(EarlierCopiesTest, AsksInPagesAndOfEachTarget) {
  for (int i = 0; i < 2500; ++i) Add(fmt::format("id{:05}", i), kBefore);
  stream_.Store({"id00000", "id00999", "id01000", "id02499", "x"});
  slice_ = 1;
  Add("x", kBefore, "logs-other");
  EXPECT_EQ(Acknowledge(kLater).error, "");
  EXPECT_THAT(pending_, SizeIs(2501 - 5));
  EXPECT_LE(stream_.ids_max, 1000 + 10);
  const std::vector<std::string> asked = Asked();
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/logs/_search"), 3);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/logs-other/_search"), 1);
}

TEST_F(EarlierCopiesTest, WithoutThePermissionItGoesOn) {
  for (const char* at : {"/_resolve/index/", "/_settings/", "/_search"}) {
    stream_.Fail(at, FakeHttpServer::Answer(403, ""));
    copies_ = {"search", "logs"};
    Add("a", kBefore);
    EXPECT_EQ(Acknowledge(kLater).error, "") << at;
    const size_t asked = Asked().size();
    EXPECT_EQ(Acknowledge(kLater).error, "") << at;
    EXPECT_EQ(Asked().size(), asked) << at << ": said once";
  }
  stream_.Fail("/_refresh", FakeHttpServer::Answer(403, ""));
  stream_.Store({"a"});
  copies_ = {"search", "logs"};
  EXPECT_EQ(Acknowledge(kLater).error, "");
  EXPECT_THAT(pending_, IsEmpty()) << "that one it can do without";
}

TEST_F(EarlierCopiesTest, AServerThatDoesNotAnswerDecidesNothing) {
  Add("a", kBefore);
  stream_.Store({"a"});
  for (const char* at : {"/_resolve/index/", "/_settings/", "/_refresh", "/_search"}) {
    stream_.Fail(at, FakeHttpServer::Answer(503, ""));
    EXPECT_EQ(Acknowledge(kLater).code, "503") << at;
    stream_.Fail(at, Reply{.bytes = "", .reset = true});
    EXPECT_EQ(Acknowledge(kLater).code, "reset") << at;
    EXPECT_THAT(pending_, SizeIs(1));
  }
  for (const char* at : {"/_resolve/index/", "/_settings/", "/_search"}) {
    stream_.Fail(at, FakeHttpServer::Answer(200, "<html>"));
    EXPECT_EQ(Acknowledge(kLater).error, "") << at;
    EXPECT_THAT(pending_, SizeIs(1)) << at << ": garbage finds nothing";
    copies_ = {"search", "logs"};
  }
  stream_.Fail("", std::nullopt);
  EXPECT_EQ(Acknowledge(kLater).error, "");
  EXPECT_THAT(pending_, IsEmpty());
}

}  // namespace
}  // namespace hinomi
