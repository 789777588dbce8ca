#include "shipper/event.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <rapidjson/document.h>

#include <array>

#include "shipper/encode/escape.h"

namespace hinomi {
namespace {

constexpr std::array<std::string_view, kEventActions> kActions = {
    "agent-started",  "agent-stopped",       "configuration-changed",
    "container-died", "container-completed", "bytes-lost",
    "file-lost",      "sink-down",           "sink-up",
    "escrow-full",
};
constexpr std::string_view kStreamAndTag = " stdout F ";

void AppendText(std::string_view text, std::string* out) {
  *out += '"';
  AppendEscaped(text, out);
  *out += '"';
}

std::string TextOf(const rapidjson::Value& value) {
  return value.IsString() ? std::string(value.GetString(), value.GetStringLength()) : "";
}

}  // namespace

std::string_view ToString(EventAction action) { return kActions[static_cast<size_t>(action)]; }

std::string EventTime(Duration at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z",
                     fmt::gmtime(static_cast<time_t>(seconds.count())), (at - seconds).count());
}

std::string EventLine(const Event& event, Duration at) {
  std::string line = EventTime(at);
  line += kStreamAndTag;
  line += R"({"message":)";
  AppendText(event.message, &line);
  line += fmt::format(R"(,"hinomi":{{"event":{{"action":"{}")", ToString(event.action));
  for (const auto& [key, value] : event.details) {
    line += fmt::format(R"(,"{}":)", key);
    if (const std::string* text = std::get_if<std::string>(&value)) {
      AppendText(*text, &line);
    } else {
      line += std::to_string(std::get<int64_t>(value));
    }
  }
  if (!event.last_lines.empty()) {
    line += R"(,"last_lines":[)";
    for (const std::string& text : event.last_lines) {
      AppendText(text, &line);
      line += ',';
    }
    line.back() = ']';
  }
  return line + "}}}\n";
}

Result<EventText> ParseEventLine(std::string_view line) {
  const Error none{ErrorKind::kCorrupt, "it is no event"};
  EventText text;
  const size_t tag = line.find(kStreamAndTag);
  if (tag == std::string_view::npos) return none;
  text.time = line.substr(0, tag);
  text.body = line.substr(tag + kStreamAndTag.size());
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(text.body.data(), text.body.size());
  const auto member = [](const rapidjson::Value* object, const char* key) {
    const bool there = object != nullptr && object->IsObject() && object->HasMember(key);
    return there ? &(*object)[key] : nullptr;
  };
  if (document.HasParseError()) return none;
  const rapidjson::Value* event = member(member(&document, "hinomi"), "event");
  const rapidjson::Value* action = member(event, "action");
  const rapidjson::Value* message = member(&document, "message");
  if (action == nullptr || message == nullptr) return none;
  text.action = TextOf(*action);
  text.message = TextOf(*message);
  const rapidjson::Value* last_lines = member(event, "last_lines");
  if (last_lines == nullptr || !last_lines->IsArray()) return text;
  for (const rapidjson::Value& last : last_lines->GetArray()) {
    text.last_lines.push_back(TextOf(last));
  }
  return text;
}

}  // namespace hinomi
