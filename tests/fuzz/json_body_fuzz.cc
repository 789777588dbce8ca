// JSON bodies of any bytes: whatever the transform passes on as members must be, within braces, one
// valid object on one line without repeated or reserved keys. RapidJSON is the judge, as an
// independent reader.
#include <rapidjson/document.h>

#include <cstdint>
#include <set>
#include <string>

#include "base/check.h"
#include "shipper/transform/json_body.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string body(reinterpret_cast<const char*>(data), size);
  body.append(hinomi::Chunk::kPadding, '"');
  hinomi::Record record;
  record.body = std::string_view(body).substr(0, size);
  static hinomi::JsonBody json_body;
  json_body.Apply({&record, 1});
  if (record.kind != hinomi::BodyKind::kJsonMembers) return 0;

  CHECK(record.body.find('\n') == std::string_view::npos);
  const std::string document_text = "{" + std::string(record.body) + "}";
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(document_text.data(), document_text.size());
  CHECK(!document.HasParseError() && document.IsObject());
  std::set<std::string> keys;
  for (const auto& member : document.GetObject()) {
    const std::string key(member.name.GetString(), member.name.GetStringLength());
    CHECK(keys.insert(key).second);
    CHECK(key == "json" || !hinomi::IsReservedKey(key));
  }
  return 0;
}
