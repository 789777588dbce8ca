// JSON for the API, written member by member: valid UTF-8 whatever is in names and messages.
// RapidJSON's writer stays behind this file.
#pragma once

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "shipper/encode/escape.h"

namespace hinomi {

/// Members of objects, one after another.
class JsonWriter {
 public:
  JsonWriter() { json_.SetMaxDecimalPlaces(3); }

  void Member(std::string_view key, std::string_view value) {
    Key(key);
    Item(value);
  }
  void Member(std::string_view key, const char* value) { Member(key, std::string_view(value)); }
  void Member(std::string_view key, uint64_t value) {
    Key(key);
    json_.Uint64(value);
  }
  void Member(std::string_view key, int64_t value) {
    Key(key);
    json_.Int64(value);
  }
  void Member(std::string_view key, double value) {
    Key(key);
    Number(value);
  }
  void Member(std::string_view key, Duration value) {
    Member(key, std::chrono::duration<double>(value).count());
  }
  void Member(std::string_view key, bool value) {
    Key(key);
    json_.Bool(value);
  }
  template <typename Members>
  void Object(std::string_view key, Members members) {
    Key(key);
    Object(members);
  }
  template <typename Members>
  void Object(Members members) {
    json_.StartObject();
    members();
    json_.EndObject();
  }
  template <typename Items>
  void Array(std::string_view key, Items items) {
    Key(key);
    json_.StartArray();
    items();
    json_.EndArray();
  }
  void Item(std::string_view value) {
    quoted_ = '"';
    AppendEscaped(value, &quoted_);
    quoted_ += '"';
    json_.RawValue(quoted_.data(), quoted_.size(), rapidjson::kStringType);
  }
  // JSON has no words for what is no number.
  void Number(double value) { json_.Double(std::isfinite(value) ? value : 0); }

  std::string Text() const { return {text_.GetString(), text_.GetSize()}; }

 private:
  void Key(std::string_view key) {
    json_.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  }

  rapidjson::StringBuffer text_;
  rapidjson::Writer<rapidjson::StringBuffer> json_{text_};
  std::string quoted_;
};

}  // namespace hinomi
