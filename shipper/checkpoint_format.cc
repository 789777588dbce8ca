#include "shipper/checkpoint_format.h"

#include <fmt/format.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/planted_bug.h"
namespace hinomi {
namespace {

constexpr std::string_view kMagic = "hinomi-checkpoint ";

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;
using Value = rapidjson::Value;

void Write(Writer& writer, const char* key, uint64_t value) {
  writer.Key(key);
  writer.Uint64(value);
}
void Write(Writer& writer, const char* key, const std::string& value) {
  writer.Key(key);
  writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void WriteSegment(Writer& writer, const SegmentState& segment) {
  writer.StartObject();
  Write(writer, "n", segment.ordinal);
  Write(writer, "key", segment.key);
  Write(writer, "inode", segment.inode);
  writer.Key("birth");
  writer.Int64(segment.birth_nanoseconds);
  if (segment.copy_inode != 0) {
    Write(writer, "copy_inode", segment.copy_inode);
    writer.Key("copy_birth");
    writer.Int64(segment.copy_birth_nanoseconds);
  }
  Write(writer, "print_bytes", segment.fingerprint_bytes);
  Write(writer, "print", segment.fingerprint);
  Write(writer, "begin", segment.begin);
  Write(writer, "size", segment.size);
  if (segment.lost_from != 0) Write(writer, "lost_from", segment.lost_from);
  writer.EndObject();
}

// By reason, those of nothing left out: {"corrupt":12}.
template <typename Reason, size_t kCount>
void WriteReasons(Writer& writer, const char* key, const std::array<uint64_t, kCount>& bytes) {
  if (std::all_of(bytes.begin(), bytes.end(), [](uint64_t count) { return count == 0; })) return;
  writer.Key(key);
  writer.StartObject();
  for (size_t i = 0; i < kCount; ++i) {
    const std::string name(ToString(static_cast<Reason>(i)));
    if (bytes[i] > 0) Write(writer, name.c_str(), bytes[i]);
  }
  writer.EndObject();
}

void WriteLedger(Writer& writer, uint64_t produced_bytes, const SettledBytes& settled) {
  Write(writer, "produced", produced_bytes);
  Write(writer, "acknowledged", settled.acknowledged);
  WriteReasons<DropReason>(writer, "dropped", settled.dropped);
  WriteReasons<LossReason>(writer, "lost", settled.lost);
}

void WriteGone(Writer& writer, const GoneState& gone) {
  writer.StartObject();
  Write(writer, "route", gone.route);
  Write(writer, "namespace", gone.namespace_name);
  WriteLedger(writer, gone.produced_bytes, gone.settled);
  writer.EndObject();
}

void WriteLevels(Writer& writer, const LevelState& state) {
  writer.StartObject();
  Write(writer, "segment", state.from.segment);
  Write(writer, "offset", state.from.offset);
  Write(writer, "least", static_cast<uint64_t>(state.levels.least));
  Write(writer, "below", static_cast<uint64_t>(state.levels.below));
  writer.EndObject();
}

void WriteReader(Writer& writer, const ReaderState& reader) {
  writer.StartObject();
  Write(writer, "route", reader.route);
  Write(writer, "segment", reader.cursor.segment);
  Write(writer, "offset", reader.cursor.offset);
  const bool is_cut = reader.continuing.kind != Continuation::Kind::kNone;
  if (is_cut && !PlantedBug(Bug::kCutNotRemembered)) {
    Write(writer, "continuing", static_cast<uint64_t>(reader.continuing.kind));
    Write(writer, "stream", static_cast<uint64_t>(reader.continuing.stream));
    Write(writer, "time", reader.continuing.time);
  }
  WriteLedger(writer, reader.produced_bytes, reader.settled);
  if (!reader.levels.empty()) {
    writer.Key("levels");
    writer.StartArray();
    for (const LevelState& levels : reader.levels) WriteLevels(writer, levels);
    writer.EndArray();
  }
  writer.EndObject();
}

// Reads members of one object; the first that is missing or of the wrong type leaves `ok` false.
class Reader {
 public:
  explicit Reader(const Value& object) : object_(object), ok_(object.IsObject()) {}

  template <typename Integer>
  Reader& Get(const char* key, Integer* out) {
    const Value* value = Find(key);
    if constexpr (std::is_signed_v<Integer>) {
      ok_ = ok_ && value->IsInt64();
      if (ok_) *out = value->GetInt64();
    } else {
      ok_ = ok_ && value->IsUint64() && value->GetUint64() <= std::numeric_limits<Integer>::max();
      if (ok_) *out = static_cast<Integer>(value->GetUint64());
    }
    return *this;
  }
  Reader& Get(const char* key, std::string* out) {
    const Value* value = Find(key);
    ok_ = ok_ && value->IsString();
    if (ok_) out->assign(value->GetString(), value->GetStringLength());
    return *this;
  }
  bool Has(const char* key) const { return ok_ && object_.HasMember(key); }
  /// The elements of an array; empty when it is none.
  template <typename Element>
  Reader& Each(const char* key, Element&& element) {
    const Value* value = Find(key);
    ok_ = ok_ && value->IsArray();
    if (!ok_) return *this;
    for (const Value& entry : value->GetArray()) ok_ = ok_ && element(entry);
    return *this;
  }
  /// Each member whose name is a reason; others, of a later version, are left out.
  template <typename Reason, size_t kCount>
  Reader& GetReasons(const char* key, std::array<uint64_t, kCount>* out) {
    if (!Has(key)) return *this;
    const Reader reasons(*Find(key));
    for (size_t i = 0; i < kCount && reasons.ok(); ++i) {
      const std::string name(ToString(static_cast<Reason>(i)));
      Reader reason = reasons;
      if (reasons.Has(name.c_str())) ok_ = ok_ && reason.Get(name.c_str(), &(*out)[i]).ok();
    }
    ok_ = ok_ && reasons.ok();
    return *this;
  }
  Reader& GetLedger(uint64_t* produced_bytes, SettledBytes* settled) {
    Get("produced", produced_bytes).Get("acknowledged", &settled->acknowledged);
    GetReasons<DropReason>("dropped", &settled->dropped);
    return GetReasons<LossReason>("lost", &settled->lost);
  }
  bool ok() const { return ok_; }

 private:
  const Value* Find(const char* key) {
    if (!ok_) return nullptr;
    const auto member = object_.FindMember(key);
    ok_ = member != object_.MemberEnd();
    return ok_ ? &member->value : nullptr;
  }

  const Value& object_;
  bool ok_;
};

bool ReadSegment(const Value& value, SegmentState* out) {
  Reader reader(value);
  if (reader.Has("copy_inode")) {
    reader.Get("copy_inode", &out->copy_inode).Get("copy_birth", &out->copy_birth_nanoseconds);
  }
  if (reader.Has("lost_from")) reader.Get("lost_from", &out->lost_from);
  return reader.Get("n", &out->ordinal)
      .Get("key", &out->key)
      .Get("inode", &out->inode)
      .Get("birth", &out->birth_nanoseconds)
      .Get("print_bytes", &out->fingerprint_bytes)
      .Get("print", &out->fingerprint)
      .Get("begin", &out->begin)
      .Get("size", &out->size)
      .ok();
}

bool ReadLevels(const Value& value, LevelState* out) {
  return Reader(value)
      .Get("segment", &out->from.segment)
      .Get("offset", &out->from.offset)
      .Get("least", &out->levels.least)
      .Get("below", &out->levels.below)
      .ok();
}

bool ReadReader(const Value& value, ReaderState* out) {
  Reader reader(value);
  reader.Get("route", &out->route).Get("segment", &out->cursor.segment);
  reader.Get("offset", &out->cursor.offset);
  reader.GetLedger(&out->produced_bytes, &out->settled);
  if (reader.Has("levels")) {
    reader.Each("levels", [out](const Value& entry) {
      return ReadLevels(entry, &out->levels.emplace_back());
    });
  }
  if (!reader.Has("continuing")) return reader.ok();
  uint8_t kind = 0;
  uint8_t stream = 0;
  reader.Get("continuing", &kind).Get("stream", &stream).Get("time", &out->continuing.time);
  if (kind > static_cast<uint8_t>(Continuation::Kind::kSkip)) return false;
  if (stream > static_cast<uint8_t>(Stream::kNone)) return false;
  out->continuing.kind = static_cast<Continuation::Kind>(kind);
  out->continuing.stream = static_cast<Stream>(stream);
  return reader.ok();
}

bool ReadGone(const Value& value, GoneState* out) {
  return Reader(value)
      .Get("route", &out->route)
      .Get("namespace", &out->namespace_name)
      .GetLedger(&out->produced_bytes, &out->settled)
      .ok();
}

bool ReadLog(const Value& value, LogState* out) {
  Reader reader(value);
  reader.Get("dir", &out->directory).Get("restart", &out->restart).Get("time", &out->first_time);
  reader.Get("next", &out->next_ordinal);
  reader.Each("segments", [out](const Value& entry) {
    return ReadSegment(entry, &out->segments.emplace_back());
  });
  reader.Each("readers", [out](const Value& entry) {
    return ReadReader(entry, &out->readers.emplace_back());
  });
  return reader.ok();
}

template <typename Integer>
bool TakeNumber(std::string_view& rest, Integer* out) {
  const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), *out);
  if (code != std::errc() || end == rest.data() + rest.size() || *end != ' ') return false;
  rest.remove_prefix(static_cast<size_t>(end + 1 - rest.data()));
  return true;
}

Error Corrupt(std::string_view cause) {
  return {ErrorKind::kCorrupt, fmt::format("cannot read the checkpoint: {}", cause)};
}

}  // namespace

std::string EncodeCheckpoint(const CheckpointState& state) {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartObject();
  writer.Key("epoch");
  writer.Int64(state.epoch_seconds);
  writer.Key("routes");
  writer.StartArray();
  for (const std::string& route : state.routes) {
    writer.String(route.data(), static_cast<rapidjson::SizeType>(route.size()));
  }
  writer.EndArray();
  writer.Key("logs");
  writer.StartArray();
  for (const LogState& log : state.logs) {
    writer.StartObject();
    Write(writer, "dir", log.directory);
    Write(writer, "restart", log.restart);
    Write(writer, "time", log.first_time);
    Write(writer, "next", log.next_ordinal);
    writer.Key("segments");
    writer.StartArray();
    for (const SegmentState& segment : log.segments) WriteSegment(writer, segment);
    writer.EndArray();
    writer.Key("readers");
    writer.StartArray();
    for (const ReaderState& reader : log.readers) WriteReader(writer, reader);
    writer.EndArray();
    writer.EndObject();
  }
  writer.EndArray();
  writer.Key("gone");
  writer.StartArray();
  for (const GoneState& gone : state.gone) WriteGone(writer, gone);
  writer.EndArray();
  writer.EndObject();
  const std::string_view json(buffer.GetString(), buffer.GetSize());
  return fmt::format("{}{} {} {} {}\n{}", kMagic, kCheckpointVersion, state.generation, json.size(),
                     ToHex(Hash128Of(json, state.generation)), json);
}

Result<CheckpointState> DecodeCheckpoint(std::string_view text) {
  const size_t newline = text.find('\n');
  if (newline == std::string_view::npos || newline > 200) return Corrupt("no header line");
  std::string_view header = text.substr(0, newline);
  const std::string_view json = text.substr(newline + 1);
  if (!header.starts_with(kMagic)) return Corrupt("not a checkpoint");
  header.remove_prefix(kMagic.size());
  int version = 0;
  size_t size = 0;
  CheckpointState state;
  if (!TakeNumber(header, &version)) return Corrupt("no version in its header");
  if (version != kCheckpointVersion)
    return Corrupt(fmt::format("version {} is not known", version));
  if (!TakeNumber(header, &state.generation) || !TakeNumber(header, &size)) {
    return Corrupt("no generation or size in its header");
  }
  if (size != json.size()) return Corrupt(fmt::format("{} bytes instead of {}", json.size(), size));
  if (header != ToHex(Hash128Of(json, state.generation))) return Corrupt("the checksum differs");
  // Iterative: a deep nesting, were it to get past the checksum, must not use up the stack.
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError()) return Corrupt("not valid JSON");
  const bool fits =
      Reader(document)
          .Get("epoch", &state.epoch_seconds)
          .Each("routes",
                [&state](const Value& entry) {
                  if (!entry.IsString()) return false;
                  state.routes.emplace_back(entry.GetString(), entry.GetStringLength());
                  return true;
                })
          .Each(
              "gone",
              [&state](const Value& entry) { return ReadGone(entry, &state.gone.emplace_back()); })
          .Each("logs",
                [&state](const Value& entry) { return ReadLog(entry, &state.logs.emplace_back()); })
          .ok();
  if (!fits) return Corrupt("a member is missing or of the wrong type");
  return state;
}

}  // namespace hinomi
