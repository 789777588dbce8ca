// JSON bodies of any bytes: whatever the transform passes on as members must be, within braces, one
// valid object on one line without repeated keys at any level and without reserved ones at the top.
// RapidJSON is the judge, as an independent reader.
#include <rapidjson/reader.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "shipper/transform/json_body.h"

namespace {

struct Judge : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Judge> {
  std::vector<std::set<std::string>> keys;  // of the objects around

  bool StartObject() {
    keys.emplace_back();
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    keys.pop_back();
    return true;
  }
  bool Key(const char* text, rapidjson::SizeType bytes, bool) {
    const std::string key(text, bytes);
    CHECK(keys.back().insert(key).second);
    CHECK(keys.size() > 1 || key == "json" || !hinomi::IsReservedKey(key));
    return true;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string body(reinterpret_cast<const char*>(data), size);
  body.append(hinomi::Chunk::kPadding, '"');
  hinomi::Record record;
  record.body = std::string_view(body).substr(0, size);
  static hinomi::JsonBody json_body;
  json_body.Apply({&record, 1});
  if (record.kind != hinomi::BodyKind::kJsonMembers) return 0;

  CHECK(record.body.find('\n') == std::string_view::npos);
  std::string document = "{" + std::string(record.body) + "}";
  // In place, because RapidJSON's own stack adds to a null pointer, which the sanitizer refuses.
  rapidjson::InsituStringStream stream(document.data());
  rapidjson::Reader reader;
  Judge judge;
  constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseValidateEncodingFlag;
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, judge);
  // It also refuses 0e999, which is a number.
  CHECK(!result.IsError() || result.Code() == rapidjson::kParseErrorNumberTooBig);
  return 0;
}
