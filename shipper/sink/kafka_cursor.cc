#include "shipper/sink/kafka_cursor.h"

#include <fmt/core.h>

#include <charconv>
#include <vector>

#include "base/json_walk.h"
#include "shipper/sink/json_text.h"

namespace hinomi {
namespace {

constexpr double kOffsetMax = 9007199254740992;  // 2^53: a double holds all integers below it

/// The elements of an array of texts; none when it is something else.
class TextList : public JsonVisitor {
 public:
  void Text(const JsonPath&, std::string_view text) override { texts.emplace_back(text); }
  std::vector<std::string> texts;
};

class CursorValue : public JsonVisitor {
 public:
  void Text(const JsonPath& path, std::string_view text) override {
    if (path.Is({"segment"})) {
      const char* const end = text.data() + text.size();
      const auto parsed = std::from_chars(text.data(), end, cursor.segment_key, 16);
      has_segment = parsed.ec == std::errc() && parsed.ptr == end;
    } else if (path.Is({"continuing", ""})) {
      cursor.continuing.time = text;
    }
  }
  void Number(const JsonPath& path, double number) override {
    if (!(number >= 0 && number < kOffsetMax)) return;
    if (path.Is({"offset"})) {
      cursor.offset = static_cast<uint64_t>(number);
      has_offset = true;
    } else if (path.Is({"continuing", ""})) {
      const auto value = static_cast<uint64_t>(number);
      if (numbers++ == 0) {
        if (value <= static_cast<uint64_t>(Continuation::Kind::kSkip)) {
          cursor.continuing.kind = static_cast<Continuation::Kind>(value);
        }
      } else if (value <= static_cast<uint64_t>(Stream::kNone)) {
        cursor.continuing.stream = static_cast<Stream>(value);
      }
    }
  }

  KeptCursor cursor;
  bool has_segment = false, has_offset = false;
  int numbers = 0;
};

}  // namespace

std::string KafkaRouteKey(std::string_view cluster, std::string_view node, std::string_view route) {
  return "[" + JsonString(cluster) + "," + JsonString(node) + "," + JsonString(route) + "]";
}

std::string KafkaCursorKey(std::string_view route_key, std::string_view log) {
  std::string key(route_key.substr(0, route_key.size() - 1));
  return key + "," + JsonString(log) + "]";
}

std::optional<std::string> LogOfKafkaKey(std::string_view route_key, std::string_view key) {
  TextList names;
  if (!WalkJson(key, names) || names.texts.size() != 4) return std::nullopt;
  if (KafkaRouteKey(names.texts[0], names.texts[1], names.texts[2]) != route_key) {
    return std::nullopt;
  }
  return std::move(names.texts[3]);
}

std::string EncodeKafkaCursor(const KeptCursor& cursor) {
  std::string value =
      fmt::format(R"({{"segment":"{:016x}","offset":{})", cursor.segment_key, cursor.offset);
  const Continuation& continuing = cursor.continuing;
  if (continuing.kind != Continuation::Kind::kNone) {
    value += fmt::format(R"(,"continuing":[{},{},{}])", static_cast<int>(continuing.kind),
                         static_cast<int>(continuing.stream), JsonString(continuing.time));
  }
  return value + "}";
}

std::optional<KeptCursor> DecodeKafkaCursor(std::string_view value) {
  CursorValue read;
  if (!WalkJson(value, read) || !read.has_segment || !read.has_offset) return std::nullopt;
  return std::move(read.cursor);
}

}  // namespace hinomi
