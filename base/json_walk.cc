#include "base/json_walk.h"

#include <fmt/core.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>

namespace hinomi {

bool JsonPath::Begins(Names names) const {
  return std::equal(
      names.begin(), names.end(), names_.begin(),
      names_.begin() + static_cast<ptrdiff_t>(std::min(names.size(), kDepthMax)),
      [](std::string_view name, const std::string& own) { return name == kAny || name == own; });
}

class JsonWalker : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, JsonWalker> {
 public:
  explicit JsonWalker(JsonVisitor& visitor) : visitor_(visitor) {}

  bool StartObject() {
    Enter();
    return true;
  }
  bool StartArray() {
    if (Told()) visitor_.BeginArray(path_);
    Enter();
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    --path_.depth_;
    if (Told()) visitor_.EndObject(path_);
    return true;
  }
  bool EndArray(rapidjson::SizeType) {
    --path_.depth_;
    return true;
  }
  bool Key(const char* text, rapidjson::SizeType bytes, bool) {
    if (Told()) path_.names_[path_.depth_ - 1].assign(text, bytes);
    return true;
  }
  bool String(const char* text, rapidjson::SizeType bytes, bool) {
    if (Told()) visitor_.Text(path_, {text, bytes});
    return true;
  }
  bool Bool(bool value) {
    if (Told()) visitor_.Flag(path_, value);
    return true;
  }
  bool Double(double value) {
    if (Told()) visitor_.Number(path_, value);
    return true;
  }
  bool Int(int value) { return Double(value); }
  bool Uint(unsigned value) { return Double(value); }
  bool Int64(int64_t value) { return Double(static_cast<double>(value)); }
  bool Uint64(uint64_t value) { return Double(static_cast<double>(value)); }

 private:
  bool Told() const { return path_.depth_ <= JsonPath::kDepthMax; }
  void Enter() {
    ++path_.depth_;
    if (Told()) path_.names_[path_.depth_ - 1].clear();  // an array's elements have no name
  }

  JsonVisitor& visitor_;
  JsonPath path_;
};

Result<void> WalkJson(std::string_view json, JsonVisitor& visitor) {
  JsonWalker walker(visitor);
  rapidjson::MemoryStream stream(json.data(), json.size());
  rapidjson::Reader reader;
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  const rapidjson::ParseResult parsed = reader.Parse<kFlags>(stream, walker);
  if (!parsed.IsError()) return {};
  return Error{
      ErrorKind::kCorrupt,
      fmt::format("{} At byte {}.", rapidjson::GetParseError_En(parsed.Code()), parsed.Offset())};
}

}  // namespace hinomi
