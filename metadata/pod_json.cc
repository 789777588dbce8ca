#include "metadata/pod_json.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <limits>

#include "metadata/pod_path.h"

namespace hinomi {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;
using Value = rapidjson::Value;
using Texts = std::map<std::string, std::string>;

void WriteText(Writer& writer, const std::string& text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}
void Write(Writer& writer, const char* key, const std::string& text) {
  writer.Key(key);
  WriteText(writer, text);
}
void Write(Writer& writer, const char* key, int64_t number) {
  writer.Key(key);
  writer.Int64(number);
}
void Write(Writer& writer, const char* key, const Texts& texts) {
  writer.Key(key);
  writer.StartObject();
  for (const auto& [name, text] : texts) {
    WriteText(writer, name);
    WriteText(writer, text);
  }
  writer.EndObject();
}

void WriteContainer(Writer& writer, const ContainerMetadata& container) {
  writer.StartObject();
  Write(writer, "name", container.name);
  Write(writer, "attempt", container.attempt);
  Write(writer, "id", container.id);
  Write(writer, "image", container.image);
  Write(writer, "image_digest", container.image_digest);
  Write(writer, "runtime", container.runtime);
  Write(writer, "revision", container.revision);
  Write(writer, "state", static_cast<int64_t>(container.state));
  Write(writer, "exit_code", container.exit_code);
  Write(writer, "reason", container.reason);
  Write(writer, "started", container.started.count());
  Write(writer, "finished", container.finished.count());
  writer.EndObject();
}

std::string StringOf(const Value& value) { return {value.GetString(), value.GetStringLength()}; }

/// Reads members of one object; the first that is missing or of the wrong type leaves `ok` false.
class Reader {
 public:
  explicit Reader(const Value& object) : object_(object), ok_(object.IsObject()) {}

  std::string Text(const char* key) {
    const Value* value = Find(key);
    ok_ = ok_ && value->IsString();
    return ok_ ? StringOf(*value) : std::string();
  }
  /// Empty where it is missing: files from before it was written have none.
  std::string TextIfThere(const char* key) {
    return ok_ && object_.HasMember(key) ? Text(key) : std::string();
  }
  template <typename Integer>
  Integer Number(const char* key, int64_t max = std::numeric_limits<Integer>::max()) {
    const Value* value = Find(key);
    ok_ = ok_ && value->IsInt64() && value->GetInt64() <= max &&
          value->GetInt64() >= static_cast<int64_t>(std::numeric_limits<Integer>::min());
    return ok_ ? static_cast<Integer>(value->GetInt64()) : Integer{};
  }
  bool Flag(const char* key) { return Number<uint32_t>(key, 1) == 1; }
  hinomi::Duration Time(const char* key) { return hinomi::Duration(Number<int64_t>(key)); }
  Texts TextMap(const char* key) {
    Texts texts;
    const Value* value = Find(key);
    ok_ = ok_ && value->IsObject();
    if (!ok_) return texts;
    for (const auto& member : value->GetObject()) {
      ok_ = ok_ && member.value.IsString();
      if (ok_) texts[StringOf(member.name)] = StringOf(member.value);
    }
    return texts;
  }
  /// Its items; null when it is no list.
  const Value* List(const char* key) {
    const Value* value = Find(key);
    ok_ = ok_ && value->IsArray();
    return ok_ ? value : nullptr;
  }

  bool ok() const { return ok_; }

 private:
  const Value* Find(const char* key) {
    if (!ok_) return nullptr;
    const auto found = object_.FindMember(key);
    ok_ = found != object_.MemberEnd();
    return ok_ ? &found->value : nullptr;
  }

  const Value& object_;
  bool ok_;
};

bool ReadContainer(const Value& value, ContainerMetadata* container) {
  Reader reader(value);
  container->name = reader.Text("name");
  container->attempt = reader.Number<uint32_t>("attempt");
  container->id = reader.Text("id");
  container->image = reader.Text("image");
  container->image_digest = reader.Text("image_digest");
  container->runtime = reader.Text("runtime");
  container->revision = reader.TextIfThere("revision");
  container->state = static_cast<ContainerState>(
      reader.Number<uint8_t>("state", static_cast<int64_t>(ContainerState::kExited)));
  container->exit_code = reader.Number<int32_t>("exit_code");
  container->reason = reader.Text("reason");
  container->started = reader.Time("started");
  container->finished = reader.Time("finished");
  return reader.ok();
}

}  // namespace

std::string ToJson(const PodMetadata& pod) {
  rapidjson::StringBuffer text;
  Writer writer(text);
  writer.StartObject();
  Write(writer, "uid", pod.uid);
  Write(writer, "namespace", pod.namespace_name);
  Write(writer, "name", pod.name);
  Write(writer, "labels", pod.labels);
  Write(writer, "annotations", pod.annotations);
  Write(writer, "owner_kind", pod.owner.kind);
  Write(writer, "owner_name", pod.owner.name);
  Write(writer, "owner_uid", pod.owner.uid);
  Write(writer, "from_kubelet", static_cast<int64_t>(pod.from_kubelet));
  Write(writer, "sandbox", pod.sandbox_id);
  writer.Key("containers");
  writer.StartArray();
  for (const ContainerMetadata& container : pod.containers) WriteContainer(writer, container);
  writer.EndArray();
  writer.EndObject();
  return {text.GetString(), text.GetSize()};
}

Result<PodMetadata> PodFromJson(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
      json.data(), json.size());
  if (document.HasParseError()) return Error{ErrorKind::kCorrupt, "it is not JSON"};
  Reader reader(document);
  PodMetadata pod;
  pod.uid = reader.Text("uid");
  pod.namespace_name = reader.Text("namespace");
  pod.name = reader.Text("name");
  pod.labels = reader.TextMap("labels");
  pod.annotations = reader.TextMap("annotations");
  pod.owner = {reader.Text("owner_kind"), reader.Text("owner_name"), reader.Text("owner_uid")};
  pod.from_kubelet = reader.Flag("from_kubelet");
  pod.sandbox_id = reader.TextIfThere("sandbox");
  const Value* containers = reader.List("containers");
  bool ok = reader.ok() && IsPodUid(pod.uid);
  for (rapidjson::SizeType i = 0; ok && i < containers->Size(); ++i) {
    ok = ReadContainer((*containers)[i], &pod.containers.emplace_back());
  }
  if (!ok) return Error{ErrorKind::kCorrupt, "a member is missing or not what it should be"};
  return pod;
}

}  // namespace hinomi
