#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "config/load.h"

namespace hinomi {
namespace {

/// The paths of all keys that a schema knows, as the manual writes them.
void Collect(const rapidjson::Value& schema, const std::string& path,
             std::set<std::string>* found) {
  const std::string prefix = path.empty() ? "" : path + ".";
  if (schema.HasMember("properties")) {
    for (const auto& one : schema["properties"].GetObject()) {
      Collect(one.value, prefix + one.name.GetString(), found);
    }
    if (schema.HasMember("allOf")) {
      for (const auto& one : schema["allOf"].GetArray()) Collect(one["then"], path, found);
    }
    return;
  }
  if (schema.HasMember("items") && schema["items"].HasMember("properties")) {
    Collect(schema["items"], path + "[]", found);
    return;
  }
  if (schema.HasMember("additionalProperties") &&
      schema["additionalProperties"].HasMember("properties")) {
    Collect(schema["additionalProperties"], prefix + "NAME", found);
    return;
  }
  found->insert(path);
}

TEST(Schema, HasTheKeysOfTheManualAndNoOther) {
  const std::string manual = Reference();
  std::set<std::string> wanted;
  constexpr std::string_view kBegin = "\n| `";
  for (size_t at = manual.find(kBegin); at != manual.npos; at = manual.find(kBegin, at)) {
    at += kBegin.size();
    wanted.insert(manual.substr(at, manual.find('`', at) - at));
  }
  rapidjson::Document schema;
  schema.Parse(Schema().c_str());
  ASSERT_FALSE(schema.HasParseError());
  std::set<std::string> found;
  Collect(schema, "", &found);
  EXPECT_EQ(found, wanted);
}

TEST(Schema, HasTheKeysOfASinkByItsType) {
  rapidjson::Document schema;
  schema.Parse(Schema().c_str());
  const auto& sink = schema["properties"]["sinks"]["additionalProperties"];
  std::set<std::string> types;
  for (const auto& one : sink["allOf"].GetArray()) {
    const std::string type = one["if"]["properties"]["type"]["const"].GetString();
    const auto& keys = one["then"]["properties"];
    types.insert(type);
    EXPECT_EQ(keys.HasMember("endpoints"), type == "elasticsearch") << type;
    EXPECT_EQ(keys.HasMember("brokers"), type == "kafka") << type;
    EXPECT_EQ(keys.HasMember("linger"), type != "archive") << type;
    EXPECT_FALSE(one["then"]["additionalProperties"].GetBool()) << type;
  }
  EXPECT_EQ(types, (std::set<std::string>{"archive", "elasticsearch", "kafka", "otlp", "stdout"}));
}

TEST(Schema, IsTheOneInDocs) {
  std::ifstream file(HINOMI_DOCS "configuration.schema.json");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  EXPECT_TRUE(page == Schema()) << "run: hinomi config --schema > docs/configuration.schema.json";
}

}  // namespace
}  // namespace hinomi
