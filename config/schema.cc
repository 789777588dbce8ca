// Schema: the Fields that say what shape a file has, as JSON Schema.
#include <rapidjson/document.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

#include <map>
#include <utility>

#include "config/describe.h"
#include "config/load.h"

namespace hinomi {
namespace {

using rapidjson::Value;

// In YAML a text may look like a number, and what somebody else gave a meaning like anything.
const std::vector<std::string_view> kTextTypes = {"string", "number"};
const std::vector<std::string_view> kPlainTypes = {"string", "number", "boolean"};

class SchemaWriter final : public Fields {
 public:
  SchemaWriter() : schema_(rapidjson::kObjectType) {
    Add(&schema_, "$schema", Text("http://json-schema.org/draft-07/schema#"));
    Add(&schema_, "title", Text("Configuration of Hinomi"));
    schema_ = Object(std::move(schema_));
  }

  /// The schema of all that was described.
  const Value& Root() const { return schema_; }

  void Section(std::string_view key, std::string_view help, const std::function<void()>& body,
               bool* given) override {
    static_cast<void>(given);
    Value outer = std::exchange(schema_, Object(help));
    body();
    std::swap(outer, schema_);
    AddProperty(key, std::move(outer));
  }
  bool When(std::string_view key, std::string_view choice, bool holds) override {
    static_cast<void>(choice);
    deciding_ = key;
    return holds && decided_;
  }
  void Required(std::string_view key) override {
    if (!schema_.HasMember("required")) Add(&schema_, "required", Value(rapidjson::kArrayType));
    schema_["required"].PushBack(Text(key), memory_);
  }

 protected:
  void Visit(const Scalar& scalar) override {
    choices_[std::string(scalar.key)] = scalar.choices;
    if (decided_ && scalar.key == deciding_) scalar.set(choice_);
    Value schema = Described(scalar.help);
    switch (scalar.kind) {
      case ScalarKind::kText:
        Add(&schema, "type", TextsOf(kTextTypes));
        break;
      case ScalarKind::kFlag:
        Add(&schema, "type", Text("boolean"));
        break;
      case ScalarKind::kNumber:
        Add(&schema, "type", Text("integer"));
        Add(&schema, "minimum", Value(scalar.range.min));
        Add(&schema, "maximum", Value(scalar.range.max));
        break;
      case ScalarKind::kSize:
        Add(&schema, "type", TextsOf({"string", "integer"}));
        Add(&schema, "pattern", Text("^[0-9]+(B|kB|MB|GB|KiB|MiB|GiB)?$"));
        break;
      case ScalarKind::kTime:
        Add(&schema, "type", Text("string"));
        Add(&schema, "pattern", Text("^[0-9]+(ms|s|m|h|d)$"));
        break;
      case ScalarKind::kChoice:
        Add(&schema, "enum", TextsOf({scalar.choices.begin(), scalar.choices.end()}));
        break;
    }
    AddProperty(scalar.key, std::move(schema));
  }
  void Visit(const TextItems& items) override {
    AddProperty(items.key, List(items.help, Typed(kTextTypes)));
  }
  void Visit(const TextPairs& pairs) override {
    AddProperty(pairs.key, Map(pairs.help, Typed(kPlainTypes)));
  }
  void Visit(const StructItems& items) override {
    Value item = Item(items);
    AddProperty(items.key,
                items.named ? Map(items.help, std::move(item)) : List(items.help, std::move(item)));
  }

 private:
  /// One of the structs. Where its keys depend on a choice, one schema for each.
  Value Item(const StructItems& items) {
    deciding_.clear();
    Value plain = Described(items);
    if (deciding_.empty()) return plain;
    Value item(rapidjson::kObjectType);
    Value cases(rapidjson::kArrayType);
    decided_ = true;
    for (const std::string& choice : std::exchange(choices_[deciding_], {})) {
      choice_ = choice;
      Value is(rapidjson::kObjectType);
      Add(&is, "const", Text(choice));
      Value condition(rapidjson::kObjectType);
      Add(&condition, "required", TextsOf({deciding_}));
      Add(&condition, "properties", Pair(deciding_, std::move(is)));
      Value one(rapidjson::kObjectType);
      Add(&one, "if", std::move(condition));
      Add(&one, "then", Described(items));
      cases.PushBack(one, memory_);
    }
    decided_ = false;
    Add(&item, "type", Text("object"));
    Add(&item, "required", TextsOf({deciding_}));
    Add(&item, "properties", Pair(deciding_, std::move(plain["properties"][deciding_.c_str()])));
    Add(&item, "allOf", std::move(cases));
    return item;
  }
  Value Described(const StructItems& items) {
    Value outer = std::exchange(schema_, Object(""));
    items.clear();
    items.add("NAME");
    items.describe(0);
    std::swap(outer, schema_);
    return outer;
  }

  Value Described(std::string_view help) {
    Value schema(rapidjson::kObjectType);
    if (!help.empty()) Add(&schema, "description", Text(help));
    return schema;
  }
  Value Object(std::string_view help) { return Object(Described(help)); }
  Value Object(Value schema) {
    Add(&schema, "type", Text("object"));
    Add(&schema, "additionalProperties", Value(false));
    Add(&schema, "properties", Value(rapidjson::kObjectType));
    return schema;
  }
  Value List(std::string_view help, Value item) {
    Value schema = Described(help);
    Add(&schema, "type", Text("array"));
    Add(&schema, "items", std::move(item));
    return schema;
  }
  Value Map(std::string_view help, Value item) {
    Value schema = Described(help);
    Add(&schema, "type", Text("object"));
    Add(&schema, "additionalProperties", std::move(item));
    return schema;
  }
  Value Typed(const std::vector<std::string_view>& types) { return Pair("type", TextsOf(types)); }
  Value Pair(std::string_view name, Value value) {
    Value object(rapidjson::kObjectType);
    Add(&object, name, std::move(value));
    return object;
  }
  Value Text(std::string_view text) {
    return Value(text.data(), static_cast<rapidjson::SizeType>(text.size()), memory_);
  }
  Value TextsOf(const std::vector<std::string_view>& texts) {
    Value array(rapidjson::kArrayType);
    for (const std::string_view text : texts) array.PushBack(Text(text), memory_);
    return array;
  }
  void Add(Value* object, std::string_view name, Value value) {
    object->AddMember(Text(name), value, memory_);
  }
  void AddProperty(std::string_view key, Value schema) {
    Add(&schema_["properties"], key, std::move(schema));
  }

  rapidjson::MemoryPoolAllocator<> memory_;
  Value schema_;  // of what is described at the moment
  std::map<std::string, std::vector<std::string>, std::less<>> choices_;  // by key, the last one's
  std::string deciding_;  // the key that others depend on
  std::string choice_;    // its value, where `decided_`
  bool decided_ = false;
};

}  // namespace

std::string Schema() {
  Config config;
  config.sinks.emplace_back();
  SchemaWriter writer;
  Describe(writer, &config);
  rapidjson::StringBuffer text;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> out(text);
  out.SetIndent(' ', 1);
  writer.Root().Accept(out);
  return std::string(text.GetString(), text.GetSize()) + "\n";
}

}  // namespace hinomi
