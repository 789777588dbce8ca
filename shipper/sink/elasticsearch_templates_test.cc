#include "shipper/sink/elasticsearch_templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

namespace hinomi {
namespace {

using testing::HasSubstr;
using testing::Not;

ElasticsearchConfig Config(const std::string& index) {
  ElasticsearchConfig config;
  config.index = index;
  config.lifecycle = {std::chrono::hours(36), std::chrono::hours(6), 1000};
  return config;
}

rapidjson::Document Parsed(const SetupRequest& request) {
  rapidjson::Document document;
  document.Parse(request.body.c_str());
  EXPECT_FALSE(document.HasParseError()) << request.body;
  return document;
}

TEST(ElasticsearchTemplates, AreJsonThatSaysWhoseItIs) {
  for (const char* index : {"logs-a-b", "logs-{namespace}-b", "a\u0301-{year}.{month}.{day}"}) {
    for (const SetupRequest& request :
         {MappingsTemplate(index, true), MappingsTemplate(index, false),
          SettingsTemplate(index, Manager::kNobody), SettingsTemplate(index, Manager::kIlm),
          IndexTemplate(index)}) {
      EXPECT_STREQ(Parsed(request)["_meta"]["managed_by"].GetString(), "hinomi") << request.body;
      EXPECT_THAT(request.path, Not(HasSubstr("{")));
    }
    const auto ilm = Parsed(LifecyclePolicy(Config(index), Manager::kIlm));
    EXPECT_STREQ(ilm["policy"]["_meta"]["managed_by"].GetString(), "hinomi");
    const auto ism = Parsed(LifecyclePolicy(Config(index), Manager::kIsm));
    EXPECT_THAT(ism["policy"]["description"].GetString(),
                testing::StartsWith(std::string(kManagedByHinomi)));
  }
}

TEST(ElasticsearchTemplates, MatchAllThatTheNameStandsFor) {
  const struct {
    const char *index, *pattern;
    bool data_stream;
    int priority;
  } kCases[] = {
      {"logs-kubernetes.container_logs-default", "logs-kubernetes.container_logs-default", true,
       200},
      {"logs-{namespace}-default", "logs-*-default", true, 113},
      {"logs-{namespace}-{year}.{month}.{day}", "logs-*-*.*.*", false, 108},
  };
  for (const auto& [index, pattern, data_stream, priority] : kCases) {
    const auto index_template = Parsed(IndexTemplate(index));
    EXPECT_STREQ(index_template["index_patterns"][0].GetString(), pattern);
    EXPECT_EQ(index_template.HasMember("data_stream"), data_stream) << index;
    EXPECT_EQ(index_template["priority"].GetInt(), priority) << index;
    const auto ism = Parsed(LifecyclePolicy(Config(index), Manager::kIsm));
    EXPECT_STREQ(ism["policy"]["ism_template"][0]["index_patterns"][0].GetString(), pattern);
  }
}

TEST(ElasticsearchTemplates, AreComposedOfTheComponents) {
  const auto index_template = Parsed(IndexTemplate("logs-a-b"));
  EXPECT_STREQ(index_template["composed_of"][0].GetString(), "hinomi-logs-a-b-mappings");
  EXPECT_STREQ(index_template["composed_of"][1].GetString(), "hinomi-logs-a-b-settings");
  EXPECT_EQ(MappingsTemplate("logs-a-b", true).path,
            "/_component_template/hinomi-logs-a-b-mappings");
  EXPECT_EQ(SettingsTemplate("logs-a-b", Manager::kIlm).path,
            "/_component_template/hinomi-logs-a-b-settings");
  const auto settings = Parsed(SettingsTemplate("logs-a-b", Manager::kIlm));
  EXPECT_STREQ(settings["template"]["settings"]["index.lifecycle.name"].GetString(),
               "hinomi-logs-a-b");
  EXPECT_TRUE(Parsed(SettingsTemplate("a", Manager::kIsm))["template"]["settings"].ObjectEmpty());
}

TEST(ElasticsearchTemplates, JapaneseHasAFieldOfItsOwn) {
  const auto with = Parsed(MappingsTemplate("a", true));
  const auto& message = with["template"]["mappings"]["properties"]["message"];
  EXPECT_STREQ(message["type"].GetString(), "text");
  EXPECT_STREQ(message["fields"]["cjk"]["analyzer"].GetString(), "cjk");
  EXPECT_THAT(MappingsTemplate("a", false).body, Not(HasSubstr("cjk")));
}

TEST(ElasticsearchTemplates, PoliciesDeleteWhatIsOld) {
  EXPECT_EQ(LifecyclePolicy(Config("logs-a-b"), Manager::kIlm).body,
            R"({"policy": {
"_meta": {"managed_by": "hinomi"},
"phases": {
  "hot": {"actions": {"rollover": {"max_age": "6h", "max_size": "1000b"}}},
  "delete": {"min_age": "36h", "actions": {"delete": {}}}
}}})");
  EXPECT_EQ(LifecyclePolicy(Config("logs-a-b"), Manager::kIsm).body,
            R"({"policy": {
"description": "Managed by hinomi: deletes what is old",
"default_state": "hot",
"states": [
  {"name": "hot", "actions": [{"rollover": {"min_index_age": "6h", "min_size": "1000b"}}],
    "transitions": [{"state_name": "delete", "conditions": {"min_rollover_age": "36h"}}]},
  {"name": "delete", "actions": [{"delete": {}}], "transitions": []}
],
"ism_template": [{"index_patterns": ["logs-a-b"], "priority": 200}]
}})");
  // An index with a date is as old as its name, and has no successor to roll over to.
  for (const Manager manager : {Manager::kIlm, Manager::kIsm}) {
    const std::string body = LifecyclePolicy(Config("a-{year}"), manager).body;
    EXPECT_THAT(body, Not(HasSubstr("rollover")));
    EXPECT_THAT(body, HasSubstr(manager == Manager::kIlm ? R"("min_age": "36h")"
                                                         : R"("min_index_age": "36h")"));
  }
}

TEST(ElasticsearchTemplates, AreShownInTheOrderInWhichTheyAreWritten) {
  ElasticsearchConfig config = Config("a");
  EXPECT_EQ(SetupForConsole(config),
            "PUT /_component_template/hinomi-a-mappings\n" + MappingsTemplate("a", true).body +
                "\n# Elasticsearch:\nPUT /_ilm/policy/hinomi-a\n" +
                LifecyclePolicy(config, Manager::kIlm).body +
                "\nPUT /_component_template/hinomi-a-settings\n" +
                SettingsTemplate("a", Manager::kIlm).body +
                "\n# OpenSearch, in place of these two:\nPUT /_plugins/_ism/policies/hinomi-a\n" +
                LifecyclePolicy(config, Manager::kIsm).body +
                "\nPUT /_component_template/hinomi-a-settings\n" +
                SettingsTemplate("a", Manager::kNobody).body +
                "\n# Both:\nPUT /_index_template/hinomi-a\n" + IndexTemplate("a").body + "\n");
  config.lifecycle = {};
  EXPECT_THAT(SetupForConsole(config), Not(HasSubstr("#")));
}

}  // namespace
}  // namespace hinomi
