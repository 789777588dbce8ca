#include "shipper/sink/elasticsearch_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/fake_http_server.h"
#include "base/manual_clock.h"

namespace hinomi {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

using Request = FakeHttpServer::Request;
using Reply = FakeHttpServer::Reply;

TEST(ElasticsearchCheckTest, SaysWhatIsWrongAndWhatHelps) {
  const Reply good = FakeHttpServer::Answer(200, "{}");
  const Reply no_documents = FakeHttpServer::Answer(400, "{}");
  const Reply no_such_thing = FakeHttpServer::Answer(400, R"({"error":"no handler found"})");
  const struct {
    const char* name;
    Reply bulk;
    Reply streams;
    Reply privileges;
    const char* code;
    const char* error;
  } cases[] = {
      {"all is well", no_documents, good,
       FakeHttpServer::Answer(
           200, R"({"has_all_requested":true,"index":{"logs-*":{"create_doc":true}}})"),
       "", ""},
      {"OpenSearch, or no security", no_documents, good, no_such_thing, "", ""},
      {"may not see streams", no_documents, FakeHttpServer::Answer(403, ""), no_such_thing, "", ""},
      {"no stream yet", no_documents, FakeHttpServer::Answer(404, ""), no_such_thing, "", ""},
      {"garbage", no_documents, good, FakeHttpServer::Answer(200, "<html>"), "", ""},
      {"unknown user", FakeHttpServer::Answer(401, ""), good, good, "401", "check `username`"},
      {"too old", no_documents, FakeHttpServer::Answer(405, ""), good, "version", "from 7.9 on"},
      {"may not write", no_documents, good,
       FakeHttpServer::Answer(200,
                              R"({"has_all_requested":false,"cluster":{"manage_index_templates":)"
                              R"(false},"index":{"logs-*":{"create_doc":false}}})"),
       "403",
       "manage_index_templates and create_doc are missing; grant them, or set `setup: false`"},
  };
  for (const auto& test : cases) {
    FakeHttpServer server([&](const Request& request) {
      if (request.target == "/logs-%2A-prod/_bulk") return test.bulk;
      if (request.target == "/_resolve/index/logs-%2A-prod") return test.streams;
      EXPECT_EQ(request.target, "/_security/user/_has_privileges");
      EXPECT_THAT(request.body, HasSubstr(R"("names":["logs-*-prod"])"));
      return test.privileges;
    });
    ElasticsearchConfig config;
    config.endpoints = {server.Url()};
    config.index = "logs-{namespace}-prod";
    const ManualClock clock;
    PosixFileSystem files;
    Endpoints endpoints(config.endpoints, clock);
    ElasticsearchClient client({config, endpoints, files, clock}, 0);
    ASSERT_EQ(client.Begin({}).error, "");
    const Attempt attempt = CheckServer(&client, config);
    EXPECT_EQ(attempt.code, test.code) << test.name << ": " << attempt.error;
    EXPECT_THAT(attempt.error, HasSubstr(test.error)) << test.name;
  }
}

}  // namespace
}  // namespace hinomi
