#include "shipper/sink/bulk_response.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace hinomi {
namespace {

std::string Item(int status, std::string_view type = "", std::string_view reason = "") {
  if (type.empty()) return fmt::format(R"({{"create":{{"status":{}}}}})", status);
  return fmt::format(R"({{"create":{{"status":{},"error":{{"type":"{}","reason":"{}"}}}}}})",
                     status, type, reason);
}

std::string Answer(std::initializer_list<std::string> items) {
  std::string body = R"({"errors":true,"items":[)";
  for (const std::string& item : items) body += (body.back() == '[' ? "" : ",") + item;
  return body + "]}";
}

TEST(BulkResponseTest, OutcomeByItem) {
  const std::string body =
      Answer({Item(201), Item(400, "document_parsing_exception", "failed to parse field [a]"),
              Item(409, "version_conflict_engine_exception",
                   "[y]: version conflict, document already exists"),
              Item(429, "es_rejected_execution_exception", "rejected"), Item(200), Item(503)});
  const auto refusals = ParseBulkResponse(body, 6);
  ASSERT_TRUE(refusals) << refusals.error().message;
  ASSERT_EQ(refusals->size(), 3u);
  EXPECT_EQ((*refusals)[0].item, 1u);
  EXPECT_TRUE((*refusals)[0].about_document);
  EXPECT_EQ((*refusals)[0].type, "document_parsing_exception");
  EXPECT_EQ((*refusals)[0].reason, "failed to parse field [a]");
  EXPECT_EQ((*refusals)[1].item, 3u);
  EXPECT_FALSE((*refusals)[1].about_document);
  EXPECT_EQ((*refusals)[1].status, 429);
  EXPECT_EQ((*refusals)[2].item, 5u);
  EXPECT_FALSE((*refusals)[2].about_document);
}

// Sentences of Elasticsearch 8.19 and OpenSearch 2.19, as they were answered.
TEST(BulkResponseTest, WhoseFaultItIs) {
  const struct {
    int status;
    const char* type;
    const char* reason;
    bool about_document;
  } cases[] = {
      {400, "document_parsing_exception",
       "[1:7] failed to parse: data stream timestamp field is missing", true},
      {400, "mapper_parsing_exception", "failed to parse", true},
      {400, "strict_dynamic_mapping_exception", "mapping set to strict", true},
      {400, "illegal_argument_exception", "Limit of total fields [1000] has been exceeded", true},
      {400, "illegal_argument_exception", "Limit of mapping depth [20] has been exceeded", true},
      {400, "illegal_argument_exception",
       "mapper [ar] cannot be changed from type [long] to [ObjectMapper]", true},
      {400, "illegal_argument_exception",
       "can't merge a non object mapping [ar] with an object mapping", true},
      {400, "illegal_argument_exception",
       R"(Document contains at least one immense term in field=\"k\")", true},
      {400, "illegal_argument_exception", "field name cannot be an empty string", true},
      {400, "illegal_argument_exception",
       "only write ops with an op_type of create are allowed in data streams", false},
      {400, "illegal_argument_exception", "pipeline with id [x] does not exist", false},
      {400, "illegal_argument_exception", "no write index is defined for alias [x]", false},
      {400, "illegal_argument_exception", "", false},
      {400, "validation_exception",
       "this action would add [2] shards, but this cluster has [1000]/[1000]", false},
      {400, "index_closed_exception", "closed", false},
      {400, "something_new_exception", "mapper [", false},
      {403, "cluster_block_exception", "index [x] blocked by: [FORBIDDEN/8/index write (api)];",
       false},
      {403, "security_exception", "action is unauthorized", false},
      {404, "index_not_found_exception", "no such index [x]", false},
      {429, "cluster_block_exception", "disk usage exceeded flood-stage watermark", false},
      {500, "document_parsing_exception", "not with this status", false},
      {503, "unavailable_shards_exception", "primary shard is not active", false},
      {409, "some_other_conflict", "", false},
      {302, "", "", false},
  };
  for (const auto& test : cases) {
    const auto refusals = ParseBulkResponse(Answer({Item(test.status, test.type, test.reason)}), 1);
    ASSERT_TRUE(refusals) << refusals.error().message;
    ASSERT_EQ(refusals->size(), 1u) << test.type;
    EXPECT_EQ(refusals->front().about_document, test.about_document)
        << test.type << ": " << test.reason;
  }
}

TEST(BulkResponseTest, TellsTheCause) {
  const auto refusals = ParseBulkResponse(
      R"({"items":[{"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse",)"
      R"("caused_by":{"reason":"field name cannot be an empty string"}}}}]})",
      1);
  ASSERT_TRUE(refusals);
  EXPECT_EQ(refusals->front().reason, "failed to parse: field name cannot be an empty string");
}

TEST(BulkResponseTest, BoundsTheReason) {
  std::string reason = "x";
  for (int i = 0; i < 5000; ++i) reason += "ä";
  const auto refusals =
      ParseBulkResponse(Answer({Item(400, "document_parsing_exception", reason)}), 1);
  ASSERT_TRUE(refusals);
  EXPECT_EQ(refusals->front().reason.size(), 2047u + std::string_view("…").size());
}

TEST(BulkResponseTest, GarbageDecidesNothing) {
  const std::string good = Answer({Item(201), Item(201)});
  const std::string cases[] = {
      "",
      "<html>502 Bad Gateway</html>",
      "{}",
      "[]",
      "null",
      R"({"errors":false})",
      R"({"errors":false,"items":null})",
      R"({"errors":false,"items":{"0":1}})",
      R"({"errors":false,"items":[]})",
      Answer({Item(201)}),
      Answer({Item(201), Item(201), Item(201)}),
      Answer({Item(201), "{}"}),
      Answer({Item(201), "7"}),
      Answer({Item(201), R"({"create":{}})"}),
      Answer({Item(201), R"({"create":{"status":"201"}})"}),
      Answer({Item(201), R"({"create":{"status":201.5}})"}),
      Answer({Item(201), R"({"create":{"status":-1}})"}),
      Answer({Item(201), R"({"create":{"status":99999999999999999999}})"}),
      Answer({Item(201), R"({"delete":{"status":200}})"}),
      good.substr(0, good.size() - 1),
      good.substr(0, good.size() / 2),
      good + good,
      good + "\xff",
  };
  for (const std::string& body : cases) EXPECT_FALSE(ParseBulkResponse(body, 2)) << body;
  EXPECT_TRUE(ParseBulkResponse(good, 2));
}

TEST(BulkResponseTest, ErrorReason) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"error":{"type":"security_exception","reason":"missing token"},"status":401})",
       "security_exception: missing token"},
      {R"({"error":"Incorrect HTTP method"})", "Incorrect HTTP method"},
      {"Unauthorized\r\n", "Unauthorized"},
      {"<html>\n<b>502</b>\n\x01</html>", "<html> <b>502</b> </html>"},
      {"", ""},
      {"{}", "{}"},
      {R"({"error":{}})", R"({"error":{}})"},
  };
  for (const auto& [body, want] : cases) EXPECT_EQ(ErrorReason(body), want);
  EXPECT_EQ(ErrorReason(std::string(5000, 'x')).size(), 200u);
}

// Bodies as Elasticsearch 8.19 and OpenSearch 2.19 answered them.
TEST(BulkResponseTest, NamesTarget) {
  const std::pair<const char*, bool> cases[] = {
      {R"({"indices":[],"aliases":[],"data_streams":[{"name":"logs-ds-a"}]})", true},
      {R"({"indices":[{"name":"none"}],"aliases":[],"data_streams":[]})", true},
      {R"({"indices":[],"aliases":[{"name":"a"}],"data_streams":[]})", true},
      {R"({"indices":[],"aliases":[],"data_streams":[]})", false},
      {R"({"indices":7})", false},
      {"garbage", false},
  };
  for (const auto& [body, want] : cases) EXPECT_EQ(NamesTarget(body), want) << body;
}

TEST(BulkResponseTest, ParseSimulation) {
  const std::pair<const char*, Simulation> cases[] = {
      {R"({"template":{"settings":{},"mappings":{"_data_stream_timestamp":{"enabled":true}}}})",
       Simulation::kDataStream},
      {R"({"template":{"settings":{},"aliases":{}},"overlapping":[]})", Simulation::kUnclear},
      {"{}", Simulation::kNoTemplate},
      {"garbage", Simulation::kNoTemplate},
  };
  for (const auto& [body, want] : cases) EXPECT_EQ(ParseSimulation(body), want) << body;
}

TEST(BulkResponseTest, TemplatesMakeDataStream) {
  const char* body =
      R"({"index_templates":[)"
      R"({"index_template":{"index_patterns":["logs-*-*"],"priority":100,"data_stream":{}}},)"
      R"({"index_template":{"index_patterns":["other","logs-plain-*"],"priority":200}},)"
      R"({"index_template":{"index_patterns":["late-*"]}},)"
      R"({"index_template":{"index_patterns":["*z"],"data_stream":{"timestamp_field":{"name":"@timestamp"}}}},)"
      R"({"index_template":7},8]})";
  const std::pair<const char*, bool> cases[] = {
      {"logs-a-b", true}, {"logs-a", false}, {"logs-plain-b", false},
      {"other", false},   {"others", false}, {"late-z", false},
      {"z", true},        {"", false},
  };
  for (const auto& [index, want] : cases)
    EXPECT_EQ(TemplatesMakeDataStream(body, index), want) << index;
  EXPECT_FALSE(TemplatesMakeDataStream("garbage", "logs-a-b"));
  std::string many_stars = R"({"index_templates":[{"index_template":{"index_patterns":[")";
  for (int i = 0; i < 100; ++i) many_stars += "*a";
  EXPECT_FALSE(TemplatesMakeDataStream(many_stars + R"("],"data_stream":{}}}]})",
                                       std::string(99, 'a') + "b"));
}

}  // namespace
}  // namespace hinomi
