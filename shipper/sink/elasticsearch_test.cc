#include "shipper/sink/elasticsearch.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "shipper/sink/elasticsearch_fixture.h"

namespace hinomi {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(ElasticsearchSinkTest, DeliversABatch) {
  FakeHttpServer server(Bulk(AllGood));
  ElasticsearchSink& sink = Make({server.Url() + "/"});
  Batch batch = BatchOf(3);
  const Attempt attempt = sink.Deliver(batch, 0, {});
  EXPECT_EQ(attempt.error, "");
  EXPECT_THAT(Outcomes(batch), Each(Outcome::kAcknowledged));

  const Request bulk = server.Requests().back();
  EXPECT_EQ(bulk.method, "POST");
  EXPECT_THAT(bulk.target,
              HasSubstr(std::string("/") + kIndex + "/_bulk?filter_path=errors,items.*.status"));
  EXPECT_EQ(bulk.headers.at("content-type"), "application/x-ndjson");
  EXPECT_EQ(bulk.body, batch.bytes);

  Batch second = BatchOf(1);
  EXPECT_EQ(sink.Deliver(second, 1, {}).error, "");
  EXPECT_THAT(metrics_.Expose(),
              HasSubstr("hinomi_sink_sent_bytes_total{sink=\"search\"} " +
                        std::to_string(batch.bytes.size() + second.bytes.size())));
}

TEST_F(ElasticsearchSinkTest, SendsOnlyWhatIsPending) {
  FakeHttpServer server(Bulk(AllGood));
  ElasticsearchSink& sink = Make({server.Url()});
  Batch batch = BatchOf(4);
  batch.records[0].outcome = Outcome::kAcknowledged;
  batch.records[2].outcome = Outcome::kRejected;
  EXPECT_EQ(sink.Deliver(batch, 0, {}).error, "");
  const auto text = [&](size_t i) {
    const BatchRecord& record = batch.records[i];
    return batch.bytes.substr(record.begin, record.end - record.begin);
  };
  EXPECT_EQ(server.Requests().back().body, text(1) + text(3));
  EXPECT_EQ(batch.records[2].outcome, Outcome::kRejected);
  const size_t count = server.Requests().size();
  EXPECT_EQ(sink.Deliver(batch, 0, {}).error, "");
  EXPECT_EQ(server.Requests().size(), count) << "nothing pending, nothing sent";
}

TEST_F(ElasticsearchSinkTest, OutcomePerItem) {
  FakeHttpServer server(Bulk([](const Request&) {
    return Items(
        {R"({"status":201})",
         R"({"status":400,"error":{"type":"document_parsing_exception","reason":"no number"}})",
         R"({"status":429,"error":{"type":"es_rejected_execution_exception","reason":"full"}})",
         R"({"status":409,"error":{"type":"version_conflict_engine_exception","reason":"exists"}})"});
  }));
  ElasticsearchSink& sink = Make({server.Url()});
  Batch batch = BatchOf(4);
  const Attempt attempt = sink.Deliver(batch, 0, {});
  EXPECT_EQ(attempt.code, "429");
  EXPECT_EQ(attempt.error,
            "cannot send to \"" + server.Url() +
                "\": 1 of 4 documents refused: 429 es_rejected_execution_exception: full");
  EXPECT_THAT(Outcomes(batch), ElementsAre(Outcome::kAcknowledged, Outcome::kRejected,
                                           Outcome::kPending, Outcome::kAcknowledged));
  ASSERT_EQ(batch.rejections.size(), 1u);
  EXPECT_EQ(batch.rejections[0].record, 1u);
  EXPECT_EQ(batch.rejections[0].type, "document_parsing_exception");
  EXPECT_EQ(batch.rejections[0].reason, "no number");
}

TEST_F(ElasticsearchSinkTest, FaultsDecideNothing) {
  const struct {
    const char* name;
    Reply reply;
    const char* code;
    const char* error;
  } cases[] = {
      {"wrong count", Items({R"({"status":201})"}), "response", "it has 1 items for 2 documents"},
      {"garbage", FakeHttpServer::Answer(200, "hello"), "response", "is that Elasticsearch?"},
      {"nothing", FakeHttpServer::Answer(200, ""), "response", "cannot read the answer"},
      {"half a head",
       {.bytes = "HTTP/1.1 200 OK\r\nContent-Le", .close = true},
       "response",
       "cannot"},
      {"half",
       {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"items\"", .close = true},
       "response",
       "no complete"},
      {"endless", FakeHttpServer::Answer(200, std::string(64 << 20, ' ')), "response_too_large",
       "16777216"},
      {"reset", {.bytes = "", .reset = true}, "reset", "closed"},
      {"401",
       FakeHttpServer::Answer(401, R"({"error":{"type":"security_exception","reason":"no user"}})"),
       "401", "401, security_exception: no user; check `username`"},
      {"403", FakeHttpServer::Answer(403, ""), "403", "grant this user"},
      {"redirect", FakeHttpServer::Answer(307, "", "Location: https://user:pw@there:9200/x\r\n"),
       "307", "it redirects to \"https://there:9200\"; name that address in `endpoints`"},
      {"400",
       FakeHttpServer::Answer(400,
                              R"({"error":{"type":"illegal_argument_exception","reason":"no"}})"),
       "400", "illegal_argument_exception: no"},
      {"500", FakeHttpServer::Answer(500, "oops"), "500", "500, oops"},
  };
  for (const auto& test : cases) {
    FakeHttpServer server(Bulk([&](const Request&) { return test.reply; }));
    ElasticsearchSink& sink = Make({server.Url()});
    Batch batch = BatchOf(2);
    const Attempt attempt = sink.Deliver(batch, 0, {});
    EXPECT_EQ(attempt.code, test.code) << test.name << ": " << attempt.error;
    EXPECT_THAT(attempt.error, HasSubstr(test.error)) << test.name;
    EXPECT_THAT(attempt.error, HasSubstr(server.Url())) << test.name;
    EXPECT_THAT(Outcomes(batch), Each(Outcome::kPending)) << test.name;
    // libcurl itself tries once more when a kept connection turns out dead.
    const auto requests = server.Requests();
    EXPECT_LE(std::count_if(requests.begin(), requests.end(), IsBulk), test.reply.reset ? 2 : 1)
        << test.name;
  }
}

TEST_F(ElasticsearchSinkTest, HonoursRetryAfter) {
  const std::pair<const char*, Duration> cases[] = {{"7", std::chrono::seconds(7)},
                                                    {"86400", std::chrono::minutes(10)}};
  for (const auto& [header, want] : cases) {
    FakeHttpServer server(Bulk([header = header](const Request&) {
      return FakeHttpServer::Answer(503, "", fmt::format("Retry-After: {}\r\n", header));
    }));
    Batch batch = BatchOf(1);
    const Attempt attempt = Make({server.Url()}).Deliver(batch, 0, {});
    EXPECT_EQ(attempt.code, "503");
    EXPECT_EQ(attempt.retry_after, want);
  }
}

TEST_F(ElasticsearchSinkTest, SmallerRequestsAfter413) {
  constexpr size_t kBytesMax = 1000;
  FakeHttpServer server(Bulk([](const Request& request) {
    return request.body.size() > kBytesMax ? FakeHttpServer::Answer(413, "") : AllGood(request);
  }));
  ElasticsearchSink& sink = Make({server.Url()});
  Batch batch = BatchOf(64);
  ASSERT_GT(batch.bytes.size(), 2 * kBytesMax);
  EXPECT_EQ(sink.Deliver(batch, 0, {}).error, "");
  EXPECT_THAT(Outcomes(batch), Each(Outcome::kAcknowledged));
  std::string accepted;
  for (const Request& request : server.Requests()) {
    if (IsBulk(request) && request.body.size() <= kBytesMax) accepted += request.body;
  }
  EXPECT_EQ(accepted, batch.bytes) << "each record once, in order";

  const size_t before = server.Requests().size();
  Batch second = BatchOf(64);
  EXPECT_EQ(sink.Deliver(second, 1, {}).error, "");
  const auto requests = server.Requests();
  for (size_t i = before; i < requests.size(); ++i) EXPECT_LE(requests[i].body.size(), kBytesMax);
  EXPECT_LE(requests.size() - before, 2 * batch.bytes.size() / kBytesMax + 1)
      << "no smaller than needed";
}

TEST_F(ElasticsearchSinkTest, OneDocumentTooLarge) {
  constexpr size_t kBytesMax = 1000;
  FakeHttpServer server(Bulk([](const Request& request) {
    return request.body.size() > kBytesMax ? FakeHttpServer::Answer(413, "") : AllGood(request);
  }));
  ElasticsearchSink& sink = Make({server.Url()});
  Batch batch = BatchOf(2);
  const Batch large = BatchOf(1, 2000);
  for (const Batch& next : {large, BatchOf(2)}) {
    for (BatchRecord record : next.records) {
      const auto begin = static_cast<uint32_t>(batch.bytes.size());
      batch.bytes += next.bytes.substr(record.begin, record.end - record.begin);
      record.begin = begin;
      record.end = static_cast<uint32_t>(batch.bytes.size());
      batch.records.push_back(record);
    }
  }
  EXPECT_EQ(sink.Deliver(batch, 0, {}).error, "");
  const auto good = Outcome::kAcknowledged;
  EXPECT_THAT(Outcomes(batch), ElementsAre(good, good, Outcome::kRejected, good, good));
  ASSERT_EQ(batch.rejections.size(), 1u);
  EXPECT_EQ(batch.rejections[0].record, 2u);
  EXPECT_EQ(batch.rejections[0].type, "request_too_large");
}

TEST_F(ElasticsearchSinkTest, GoesOnToTheNextEndpoint) {
  bool broken = true;
  FakeHttpServer first(Bulk([&](const Request& request) {
    return broken ? FakeHttpServer::Answer(503, "") : AllGood(request);
  }));
  FakeHttpServer second(Bulk(AllGood));
  ElasticsearchSink& sink = Make({first.Url(), second.Url()});
  Batch batch = BatchOf(1);
  EXPECT_EQ(sink.Deliver(batch, 0, {}).code, "503");
  EXPECT_EQ(sink.Deliver(batch, 0, {}).error, "");
  EXPECT_EQ(second.Requests().size(), 1u);

  // Lane 1 prefers the second anyway; lane 0 stays there even when the first could be tried again.
  const size_t before = first.Requests().size();
  broken = false;
  clock_.now += std::chrono::minutes(1);
  for (uint32_t lane : {0u, 1u}) {
    Batch next = BatchOf(1);
    EXPECT_EQ(sink.Deliver(next, lane, {}).error, "");
  }
  EXPECT_EQ(first.Requests().size(), before);
}

TEST_F(ElasticsearchSinkTest, LanesStartAtDifferentEndpoints) {
  FakeHttpServer first(Bulk(AllGood));
  FakeHttpServer second(Bulk(AllGood));
  ElasticsearchSink& sink = Make({first.Url(), second.Url()});
  EXPECT_EQ(sink.concurrency(), 2u);
  for (uint32_t lane : {0u, 1u}) {
    Batch batch = BatchOf(1);
    EXPECT_EQ(sink.Deliver(batch, lane, {}).error, "");
  }
  EXPECT_TRUE(IsBulk(first.Requests().back()));
  EXPECT_TRUE(IsBulk(second.Requests().back()));
}

TEST(EndpointsTest, AvoidsWhatFailedForAWhile) {
  FakeClock clock;
  Endpoints endpoints({"a", "b", "c"}, clock);
  EXPECT_EQ(endpoints.Choose(4), 1u);
  endpoints.MarkFailed(1);
  EXPECT_EQ(endpoints.Choose(1), 2u);
  endpoints.MarkFailed(2);
  endpoints.MarkFailed(0);
  EXPECT_EQ(endpoints.Choose(1), 1u) << "all failed: the preferred one";
  endpoints.MarkGood(0);
  EXPECT_EQ(endpoints.Choose(1), 0u);
  clock.now += std::chrono::seconds(31);
  EXPECT_EQ(endpoints.Choose(1), 1u);
}

TEST_F(ElasticsearchSinkTest, BasicAuthentication) {
  FakeHttpServer server(Bulk(AllGood));
  const std::string path = SecretFile("secret\n");
  ElasticsearchSink& sink = Make({server.Url()}, [&](ElasticsearchConfig* config) {
    config->username = "user";
    config->password_file = path;
  });
  Batch batch = BatchOf(1);
  EXPECT_EQ(sink.Deliver(batch, 0, {}).error, "");
  for (const Request& request : server.Requests()) {
    EXPECT_EQ(request.headers.at("authorization"), "Basic dXNlcjpzZWNyZXQ=");
  }
}

TEST_F(ElasticsearchSinkTest, UnusableSecretsWait) {
  FakeHttpServer server(Bulk(AllGood));
  const std::pair<std::string, const char*> cases[] = {
      {"/nonexistent/key", "/nonexistent/key"},
      {SecretFile(" \n"), "empty"},
      {SecretFile("key\r\nInjected: header\n"), "one line"},
  };
  for (const auto& [file, error] : cases) {
    const std::string path = file;  // clang 14 captures no structured binding
    Batch batch = BatchOf(1);
    const Attempt attempt = Make({server.Url()}, [&](ElasticsearchConfig* config) {
                              config->api_key_file = path;
                            }).Deliver(batch, 0, {});
    EXPECT_EQ(attempt.code, "secret");
    EXPECT_THAT(attempt.error, HasSubstr(error));
    EXPECT_THAT(Outcomes(batch), Each(Outcome::kPending));
  }
  EXPECT_EQ(server.Requests().size(), 0u);
}

TEST_F(ElasticsearchSinkTest, NeverAnswers) {
  FakeHttpServer server(Bulk([](const Request&) { return Reply{.bytes = "", .silence = true}; }));
  ElasticsearchSink& sink = Make({server.Url()}, [](ElasticsearchConfig* config) {
    config->timeout = std::chrono::milliseconds(200);
  });
  Batch batch = BatchOf(1);
  EXPECT_EQ(sink.Deliver(batch, 0, {}).code, "timeout");
  EXPECT_THAT(Outcomes(batch), Each(Outcome::kPending));
}

TEST_F(ElasticsearchSinkTest, OneTimeoutForAllRequestsOfAnAttempt) {
  FakeHttpServer server(Bulk([&](const Request& request) {
    clock_.now += std::chrono::seconds(2);
    return Documents(request) > 4 ? FakeHttpServer::Answer(413, "") : AllGood(request);
  }));
  ElasticsearchSink& sink = Make({server.Url()});
  Batch batch = BatchOf(16);
  EXPECT_EQ(sink.Deliver(batch, 0, {}).code, "timeout");
  EXPECT_THAT(Outcomes(batch), Contains(Outcome::kAcknowledged));
  EXPECT_THAT(Outcomes(batch), Contains(Outcome::kPending));
  while (sink.Deliver(batch, 0, {}).code == "timeout") {
  }
  EXPECT_THAT(Outcomes(batch), Each(Outcome::kAcknowledged));
}

TEST_F(ElasticsearchSinkTest, Stops) {
  FakeHttpServer server(Bulk([](const Request&) { return Reply{.bytes = "", .silence = true}; }));
  ElasticsearchSink& sink = Make({server.Url()});
  std::stop_source source;
  source.request_stop();
  Batch batch = BatchOf(1);
  EXPECT_EQ(sink.Deliver(batch, 0, source.get_token()).code, "stopped");
}

}  // namespace
}  // namespace hinomi
