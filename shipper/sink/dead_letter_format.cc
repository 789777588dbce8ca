#include "shipper/sink/dead_letter_format.h"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/base64.h"
#include "base/json_walk.h"
#include "base/protobuf_wire.h"
#include "shipper/sink/json_text.h"

namespace hinomi {
namespace {

constexpr double kWholeMax = 1ull << 53;  // beyond it a JSON number may stand for another one
constexpr double kSegmentMax = UINT32_MAX;
constexpr int kHexadecimal = 16;

Error Corrupt(std::string why) { return {ErrorKind::kCorrupt, std::move(why)}; }

bool IsUtf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

// A name or a sentence; a line that is not UTF-8 could not be read again.
std::string Words(std::string text) {
  if (!IsUtf8(text)) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; }, '?');
  }
  return JsonString(text);
}

// A member that a number of JSON cannot hold.
std::string Key(std::string_view name, uint64_t key) {
  return key == 0 ? "" : fmt::format(R"(,"{}":"{:016x}")", name, key);
}

/// Two fields: of ResourceLogs and of ScopeLogs.
bool IsOtlp(std::string_view encoded) {
  const size_t resource = FirstFieldBytes(encoded);
  const std::string_view record = encoded.substr(resource);
  return resource > 0 && !record.empty() && FirstFieldBytes(record) == record.size();
}

class LineReader final : public JsonVisitor {
 public:
  void Text(const JsonPath& path, std::string_view text) override {
    if (path.Is({"ranges", "", "key"})) range_.segment_key = KeyOf(text);
    if (path.Is({"log_key"})) letter_.origin.log_hash = KeyOf(text);
    if (path.Is({"record_base64"})) TakeBase64(path.last(), text, &letter_.record);
    if (path.Is({"encoded"})) TakeBase64(path.last(), text, &letter_.encoded);
    if (!path.IsIn({})) return;
    PodInfo& pod = letter_.origin.pod;
    const std::pair<std::string_view, std::string*> members[] = {
        {"time", &letter_.time},       {"sink", &letter_.sink},
        {"route", &letter_.route},     {"type", &letter_.type},
        {"reason", &letter_.reason},   {"format", &letter_.format},
        {"record", &letter_.record},   {"namespace", &pod.namespace_name},
        {"pod", &pod.pod_name},        {"pod_uid", &pod.pod_uid},
        {"log", &letter_.origin.path}, {"container", &pod.container_name}};
    for (const auto& [name, value] : members) {
      if (path.last() == name) *value = text;
    }
  }

  void Number(const JsonPath& path, double value) override {
    if (path.Is({"version"})) version_ = Whole(value);
    if (path.Is({"ranges", "", "segment"}))
      range_.segment = static_cast<uint32_t>(Whole(value, kSegmentMax));
    if (path.Is({"ranges", "", "begin"})) range_.begin = Whole(value);
    if (path.Is({"ranges", "", "end"})) range_.end = Whole(value);
    // Of version 1.
    if (path.Is({"segment"})) only_.segment = static_cast<uint32_t>(Whole(value, kSegmentMax));
    if (path.Is({"offset"})) only_.begin = Whole(value);
    if (path.Is({"bytes"})) only_.end = Whole(value);
  }

  void EndObject(const JsonPath& path) override {
    if (!path.Is({"ranges", ""})) return;
    Take(range_);
    range_ = {};
  }

  Result<DeadLetter> Finish() {
    if (version_ > kDeadLetterVersion) {
      return Corrupt(fmt::format("version {} is of a later hinomi", version_));
    }
    if (version_ < kDeadLetterVersion) {
      letter_.format = ToString(letter_.record.starts_with(R"({"create":)") ? RecordFormat::kBulk
                                                                            : RecordFormat::kJson);
      only_.end = Whole(static_cast<double>(only_.begin + only_.end));
      letter_.ranges.push_back(only_);
    }
    if (!problem_.empty()) return Corrupt(problem_);
    for (const auto& [name, value] : {std::pair{"time", &letter_.time},
                                      {"sink", &letter_.sink},
                                      {"route", &letter_.route},
                                      {"type", &letter_.type},
                                      {"format", &letter_.format},
                                      {"record", &letter_.record}}) {
      if (value->empty()) return Corrupt(fmt::format("{} is missing", name));
    }
    if (!letter_.encoded.empty() && !IsOtlp(letter_.encoded)) {
      return Corrupt("encoded is no record of OTLP");
    }
    return std::move(letter_);
  }

 private:
  uint64_t Whole(double value, double max = kWholeMax) {
    if (value >= 0 && value <= max) return static_cast<uint64_t>(value);
    problem_ = "a number is none of bytes";
    return 0;
  }
  uint64_t KeyOf(std::string_view text) {
    uint64_t key = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), key, kHexadecimal);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
      problem_ = "a key is not of hexadecimal digits";
    }
    return key;
  }
  void Take(const SegmentRange& range) {
    if (range.begin > range.end) problem_ = "a range ends before it begins";
    letter_.ranges.push_back(range);
  }
  void TakeBase64(std::string_view name, std::string_view text, std::string* bytes) {
    *bytes = FromBase64(text);
    if (ToBase64(*bytes) != text) problem_ = fmt::format("{} is not base64", name);
  }

  DeadLetter letter_;
  SegmentRange range_;  // that is being read
  SegmentRange only_;   // of version 1; its end is a length
  uint64_t version_ = 1;
  std::string problem_;
};

}  // namespace

std::string_view ToString(RecordFormat format) {
  switch (format) {
    case RecordFormat::kBulk:
      return "bulk";
    case RecordFormat::kJson:
      return "json";
    case RecordFormat::kLines:
      return "lines";
    case RecordFormat::kOtlp:
      return "otlp_json";
  }
  return "";
}

std::string DeadLetterTime(Duration wall) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(wall);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(wall - seconds).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<time_t>(seconds.count())), milliseconds);
}

std::string EncodeDeadLetter(const DeadLetter& letter) {
  const PodInfo& pod = letter.origin.pod;
  std::string line = fmt::format(
      R"({{"version":{},"time":{},"sink":{},"route":{},"type":{},"reason":{},"namespace":{},)"
      R"("pod":{},"pod_uid":{},"container":{},"log":{}{},"ranges":[)",
      kDeadLetterVersion, Words(letter.time), Words(letter.sink), Words(letter.route),
      Words(letter.type), Words(letter.reason), Words(pod.namespace_name), Words(pod.pod_name),
      Words(pod.pod_uid), Words(pod.container_name), Words(letter.origin.path),
      Key("log_key", letter.origin.log_hash));
  for (const SegmentRange& range : letter.ranges) {
    line +=
        fmt::format(R"({}{{"segment":{}{},"begin":{},"end":{}}})", line.back() == '[' ? "" : ",",
                    range.segment, Key("key", range.segment_key), range.begin, range.end);
  }
  const bool text = IsUtf8(letter.record);
  line += fmt::format(R"(],"format":{},"{}":)", Words(letter.format),
                      text ? "record" : "record_base64");
  line += JsonString(text ? letter.record : ToBase64(letter.record));
  if (!letter.encoded.empty()) line += fmt::format(R"(,"encoded":"{}")", ToBase64(letter.encoded));
  line += "}\n";
  return line;
}

Result<DeadLetter> ParseDeadLetter(std::string_view line) {
  LineReader reader;
  if (const Result<void> walked = WalkJson(line, reader); !walked) return walked.error();
  return reader.Finish();
}

}  // namespace hinomi
