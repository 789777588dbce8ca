// How the sink brings its requests to a server: compressed, authenticated, and without doubt.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "shipper/sink/elasticsearch_fixture.h"

namespace hinomi {
namespace {

using testing::Each;

TEST_F(ElasticsearchSinkTest, Compresses) {
  FakeHttpServer server(Bulk([](const Request& request) {
    EXPECT_EQ(request.headers.at("content-encoding"), "gzip");
    EXPECT_EQ(request.body.substr(0, 2), "\x1f\x8b");
    return Items({R"({"status":201})", R"({"status":201})"});
  }));
  ElasticsearchSink& sink = Make({server.Url()}, [](ElasticsearchConfig* config) {
    config->compression = Compression::kGzip;
  });
  Batch batch = BatchOf(2, 1000);
  EXPECT_EQ(sink.Deliver(batch, 0, {}).error, "");
  EXPECT_LT(server.Requests().back().body.size(), batch.bytes.size() / 5);
}

TEST_F(ElasticsearchSinkTest, CompressesAsItIsToldAndByItselfOverANetworkOnly) {
  FakeHttpServer server(Bulk(AllGood));
  const std::string port = server.Url().substr(server.Url().rfind(':'));
  const struct {
    Compression compression;
    std::vector<std::string> endpoints;
    const char* encoding;
  } cases[] = {
      {Compression::kAuto, {server.Url()}, ""},
      {Compression::kAuto, {"http://localhost" + port, "http://[::1]" + port}, ""},
      {Compression::kAuto, {server.Url(), "http://127.example.com"}, "gzip"},
      {Compression::kAuto, {server.Url(), "http://10.0.0.1"}, "gzip"},
      {Compression::kGzip, {server.Url()}, "gzip"},
      {Compression::kZstd, {server.Url()}, "zstd"},
      {Compression::kNone, {server.Url(), "http://10.0.0.1"}, ""},
  };
  for (const auto& test : cases) {
    ElasticsearchSink& sink = Make(test.endpoints, [&](ElasticsearchConfig* config) {
      config->compression = test.compression;
    });
    Batch batch = BatchOf(1, 1000);
    sink.Deliver(batch, 0, {});
    const Request request = server.Requests().back();
    const auto header = request.headers.find("content-encoding");
    EXPECT_EQ(header == request.headers.end() ? "" : header->second, test.encoding);
    EXPECT_EQ(request.body.size() < batch.bytes.size(), *test.encoding != '\0');
  }
}

TEST_F(ElasticsearchSinkTest, TheLevelIsThatOfTheConfiguration) {
  FakeHttpServer server(Bulk(AllGood));
  for (Compression compression : {Compression::kGzip, Compression::kZstd}) {
    std::vector<std::string> bodies;
    for (uint64_t level : {1, 3}) {
      ElasticsearchSink& sink = Make({server.Url()}, [&](ElasticsearchConfig* config) {
        config->compression = compression;
        config->level = level;
      });
      Batch batch = BatchOf(2000);
      sink.Deliver(batch, 0, {});
      bodies.push_back(server.Requests().back().body);
    }
    EXPECT_NE(bodies[0], bodies[1]);
  }
}

TEST_F(ElasticsearchSinkTest, BringsABearerToken) {
  const std::string path = SecretFile("right\n");
  FakeHttpServer server(Bulk([](const Request& request) {
    EXPECT_EQ(request.headers.at("authorization"), "Bearer right");
    return AllGood(request);
  }));
  Batch batch = BatchOf(1);
  EXPECT_EQ(Make({server.Url()}, [&](ElasticsearchConfig* config) { config->token_file = path; })
                .Deliver(batch, 0, {})
                .error,
            "");
}

TEST_F(ElasticsearchSinkTest, ReadsSecretsAtEveryAttempt) {
  const std::string path = SecretFile("wrong\n");
  FakeHttpServer server(Bulk([](const Request& request) {
    const auto header = request.headers.find("authorization");
    const bool good = header != request.headers.end() && header->second == "ApiKey right";
    return good ? AllGood(request) : FakeHttpServer::Answer(401, "");
  }));
  ElasticsearchSink& sink =
      Make({server.Url()}, [&](ElasticsearchConfig* config) { config->api_key_file = path; });
  Batch batch = BatchOf(1);
  EXPECT_EQ(sink.Deliver(batch, 0, {}).code, "401");
  std::ofstream(path) << " right \r\n";
  EXPECT_EQ(sink.Deliver(batch, 0, {}).error, "");
}

TEST_F(ElasticsearchSinkTest, SaysWhenASecretHasChanged) {
  const std::string path = SecretFile("wrong\n");
  ElasticsearchSink& sink = Make({"http://127.0.0.1:1"},
                                 [&](ElasticsearchConfig* config) { config->api_key_file = path; });
  EXPECT_FALSE(sink.Mended());
  std::ofstream(path) << "right";
  EXPECT_TRUE(sink.Mended());
  EXPECT_FALSE(sink.Mended());
}

// After an answer that did not come it looks for what is stored already, and for nothing before.
TEST_F(ElasticsearchSinkTest, LooksForWhatMayBeStored) {
  const Reply faults[] = {
      {.bytes = "", .reset = true},
      FakeHttpServer::Answer(200, "garbage"),
      FakeHttpServer::Answer(503, ""),
      {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", .close = true}};
  for (const Reply& fault : faults) {
    bool broken = true;
    FakeHttpServer server(
        Bulk([&](const Request& request) { return broken ? fault : AllGood(request); }));
    ElasticsearchSink& sink = Make({server.Url()});
    Batch batch = BatchOf(1);
    batch.bytes = "{\"create\":{\"_id\":\"1\"}}\n{\"@timestamp\":\"1970-01-01T01:30:00Z\"}\n";
    batch.records[0].end = static_cast<uint32_t>(batch.bytes.size());
    clock_.now = std::chrono::hours(2);
    EXPECT_NE(sink.Deliver(batch, 0, {}).error, "");
    const auto looked = [&] {
      const auto requests = server.Requests();
      return std::any_of(requests.begin(), requests.end(), [](const Request& request) {
        return request.target.starts_with("/_resolve/index/");
      });
    };
    EXPECT_FALSE(looked());
    broken = false;
    EXPECT_EQ(sink.Deliver(batch, 0, {}).error, "");
    EXPECT_TRUE(looked());
    clock_.now = std::chrono::hours(1);
  }
}

}  // namespace
}  // namespace hinomi
