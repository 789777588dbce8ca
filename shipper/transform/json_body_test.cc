#include "shipper/transform/json_body.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace hinomi {
namespace {

/// The members of `body`, or "text" if it stays text.
std::string Members(const std::string& body) {
  std::string padded = body;
  padded.append(Chunk::kPadding, '"');
  Record record;
  record.body = std::string_view(padded).substr(0, body.size());
  JsonBody json;
  json.Apply({&record, 1});
  if (record.kind == BodyKind::kJsonMembers) return std::string(record.body);
  EXPECT_EQ(record.body.data(), padded.data());
  EXPECT_EQ(record.body.size(), body.size());
  return "text";
}

std::string Nested(size_t depth) {
  std::string body;
  for (size_t i = 1; i < depth; ++i) body += "{\"a\":";
  return body + "{\"a\":1}" + std::string(depth - 1, '}');
}

TEST(JsonBody, ObjectsAreSpliced) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({})", ""},
      {R"(  { }  )", ""},
      {R"({"a":1})", R"("a":1)"},
      {R"( { "a" : [1, {"b":2}] , "c":null } )", R"("a" : [1, {"b":2}] , "c":null)"},
      {"{\"a\":1\r,\t\"b\":2}\r", "\"a\":1\r,\t\"b\":2"},
      {R"({"a":"\u00e9 \" } é"})", R"("a":"\u00e9 \" } é")"},
      {R"({"message":"m","log.level":"info","log.logger":"x","streams":1,"kube":1})",
       R"("message":"m","log.level":"info","log.logger":"x","streams":1,"kube":1)"},
      {R"({"a":{"_id":1,"@timestamp":2},"b":{"@timestamp":2}})",
       R"("a":{"_id":1,"@timestamp":2},"b":{"@timestamp":2})"},
      {R"({"a":18446744073709551615,"b":-9223372036854775808,"c":1e300})",
       R"("a":18446744073709551615,"b":-9223372036854775808,"c":1e300)"},
  };
  for (const auto& [body, want] : cases) EXPECT_EQ(Members(body), want) << body;
  EXPECT_NE(Members(Nested(JsonBody::kDepthMax)), "text");
}

TEST(JsonBody, AnythingElseStaysText) {
  for (const std::string& body : std::vector<std::string>{"",
                                                          " ",
                                                          "{",
                                                          "}",
                                                          "x",
                                                          "[1]",
                                                          "\"a\"",
                                                          "{\"a\"}",
                                                          "{\"a\":}",
                                                          "{\"a\":1,}",
                                                          "{a:1}",
                                                          "{\"a\":1}}",
                                                          "{\"a\":1} {\"b\":2}",
                                                          "{\"a\":1}x",
                                                          "{\"a\":01}",
                                                          "{\"a\":1e999}",
                                                          "{\"a\":18446744073709551616}",
                                                          "{\"a\":NaN}",
                                                          "{\"a\":\"\\ud800\"}",
                                                          "{\"a\":\"\\x\"}",
                                                          "{\"a\":\"\xff\"}",
                                                          "{\"\xc0\xaf\":1}",
                                                          "{\"a\":\"\t\"}",
                                                          "{\"a\":1,\n\"b\":2}",
                                                          "{\"a\":'b'}",
                                                          "{/**/\"a\":1}",
                                                          "\xef\xbb\xbf{\"a\":1}",
                                                          std::string("{\"a\":1\0}", 8),
                                                          "{\"a\":tru}"}) {
    EXPECT_EQ(Members(body), "text") << body;
  }
  EXPECT_EQ(Members(Nested(JsonBody::kDepthMax + 1)), "text");
}

TEST(JsonBody, RepeatedKeysStayText) {
  std::string many = "{";
  for (int i = 0; i < 500; ++i) many += "\"k" + std::to_string(i) + "\":1,";
  EXPECT_NE(Members(many + "\"k\":1}"), "text");
  EXPECT_EQ(Members(many + "\"k77\":1}"), "text");
  for (const char* body : {R"({"a":1,"a":2})", R"({"a":1,"\u0061":2})",
                           R"({"x":{"a":1,"b":0,"a":2}})", R"({"x":[[{"a":1},{"a":1,"a":2}]]})",
                           R"({"":1,"":2})", R"({"@timestamp":1,"@timestamp":2})"}) {
    EXPECT_EQ(Members(body), "text") << body;
  }
}

TEST(JsonBody, ReservedMembersMove) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"@timestamp":"t","a":1})", R"("a":1,"json":{"@timestamp":"t"})"},
      {R"({"a":1,"kubernetes":{"x":[1,","]},"b":2,"_id":"}","c":3})",
       R"("a":1,"b":2,"c":3,"json":{"kubernetes":{"x":[1,","]},"_id":"}"})"},
      {R"({"log":"text"})", R"("json":{"log":"text"})"},
      {R"({"\u0040timestamp":1})", R"("json":{"\u0040timestamp":1})"},
      {R"({ "json" : {"json":1} , "a\"," : 1 })", R"("a\"," : 1,"json":{"json" : {"json":1}})"},
  };
  for (const auto& [body, want] : cases) EXPECT_EQ(Members(body), want) << body;
}

TEST(IsReservedKey, Table) {
  for (const char* key : {"@timestamp",
                          "@timestamp.x",
                          "stream",
                          "stream.x",
                          "log",
                          "log.offset",
                          "log.offset.x",
                          "log.file",
                          "log.file.path",
                          "log.flags",
                          "kubernetes",
                          "kubernetes.pod.name",
                          "orchestrator",
                          "orchestrator.cluster.name",
                          "release",
                          "release.commit",
                          "data_stream",
                          "data_stream.type",
                          "json",
                          "json.a",
                          "container",
                          "container.id",
                          "hinomi",
                          "hinomi.metadata",
                          "_id",
                          "_",
                          "",
                          " ",
                          "\t ",
                          ".",
                          ".a",
                          "a.",
                          "a..b"}) {
    EXPECT_TRUE(IsReservedKey(key)) << key;
  }
  for (const char* key : {"message", "@time", "@timestamps", "streams", "log.level", "log.logger",
                          "log.files", "log.offsets", "logs", "kubernetes_x", "jsonx", "a.b.c",
                          "a_", "a b", " a", "containers", "hinomix"}) {
    EXPECT_FALSE(IsReservedKey(key)) << key;
    EXPECT_FALSE(IsReservedKey(key, Documents::kDocker)) << key;
  }
  for (const char* key : {"docker", "docker.compose.x", "host"}) {
    EXPECT_FALSE(IsReservedKey(key)) << key;
    EXPECT_TRUE(IsReservedKey(key, Documents::kDocker)) << key;
  }
}

TEST(JsonBody, ReservedMembersOfADocumentOfDockerMove) {
  std::string body = R"({"a":1,"container":"x","host":{"ip":"y"}})";
  const size_t bytes = body.size();
  body.append(Chunk::kPadding, ' ');
  Record record;
  record.body = std::string_view(body).substr(0, bytes);
  JsonBody json_body;
  json_body.Apply({&record, 1}, Documents::kDocker);
  EXPECT_EQ(record.body, R"("a":1,"json":{"container":"x","host":{"ip":"y"}})");
}

TEST(JsonBody, ManyRecordsAtOnce) {
  std::vector<std::string> bodies;
  for (int i = 0; i < 300; ++i) {
    bodies.push_back("{\"n\":" + std::to_string(i) + ",\"_x\":" + std::to_string(i) + "}" +
                     std::string(Chunk::kPadding, ' '));
  }
  std::vector<Record> records(bodies.size());
  for (size_t i = 0; i < bodies.size(); ++i) {
    records[i].body = std::string_view(bodies[i]).substr(0, bodies[i].size() - Chunk::kPadding);
  }
  JsonBody json;
  json.Apply(records);
  for (size_t i = 0; i < records.size(); ++i) {
    const std::string n = std::to_string(i);
    EXPECT_EQ(records[i].body, "\"n\":" + n + ",\"json\":{\"_x\":" + n + "}");
  }
}

}  // namespace
}  // namespace hinomi
