#include "shipper/encode/otlp.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/protobuf_wire.h"
#include "base/rfc3339.h"
#include "config/glob.h"
#include "metadata/docker_container.h"
#include "metadata/pod_metadata.h"
#include "shipper/encode/document_id.h"
#include "shipper/encode/escape.h"
#include "shipper/encode/severity.h"

namespace hinomi {
namespace {

// Numbers of fields, by message (proto/otlp.proto).
constexpr uint32_t kResourceOfResourceLogs = 1;
constexpr uint32_t kLogRecordsOfScopeLogs = 2;
constexpr uint32_t kAttributesOfResource = 1;
constexpr uint32_t kTime = 1, kSeverityNumber = 2, kSeverityText = 3, kBody = 5, kAttributes = 6,
                   kObservedTime = 11;
constexpr uint32_t kKey = 1, kValue = 2;
constexpr uint32_t kString = 1, kBool = 2, kInt = 3, kArray = 5;
constexpr uint32_t kValuesOfArray = 1;

constexpr std::string_view kOffset = "log.file.record_offset";
constexpr std::string_view kServiceName = "service.name";
constexpr std::string_view kServiceAnnotation = "resource.opentelemetry.io/service.name";

/// An attribute, as field `field` of a message; `value` is an AnyValue.
std::string Attribute(uint32_t field, std::string_view key, std::string_view value) {
  std::string pair, attribute;
  AppendField(kKey, key, &pair);
  AppendField(kValue, value, &pair);
  AppendField(field, pair, &attribute);
  return attribute;
}

std::string Utf8(std::string_view text) {
  std::string out;
  AppendUtf8(text, &out);
  return out;
}

std::string TextValue(std::string_view text) {
  std::string value;
  AppendField(kString, Utf8(text), &value);
  return value;
}

void AppendText(std::string_view key, std::string_view text, std::string* resource) {
  if (text.empty()) return;
  *resource += Attribute(kAttributesOfResource, Utf8(key), TextValue(text));
}

void AppendNumber(std::string_view key, uint64_t number, std::string* resource) {
  std::string value;
  AppendVarintField(kInt, number, &value);
  *resource += Attribute(kAttributesOfResource, key, value);
}

/// Those whose key matches a pattern, as `prefix` and the key.
void AppendTexts(std::string_view prefix, const std::vector<std::string>& patterns,
                 const std::map<std::string, std::string>& texts, std::string* resource) {
  for (const auto& [key, text] : texts) {
    const bool allowed =
        std::any_of(patterns.begin(), patterns.end(),
                    [&key = key](const auto& pattern) { return GlobMatches(pattern, key); });
    if (allowed) AppendText(std::string(prefix) + key, text, resource);
  }
}

/// The attribute that names a workload of this kind; empty when there is none.
std::string_view NameAttributeOf(std::string_view workload_kind) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kNames = {{
      {"Deployment", "k8s.deployment.name"},
      {"StatefulSet", "k8s.statefulset.name"},
      {"DaemonSet", "k8s.daemonset.name"},
      {"ReplicaSet", "k8s.replicaset.name"},
      {"Job", "k8s.job.name"},
      {"CronJob", "k8s.cronjob.name"},
  }};
  for (const auto& [kind, name] : kNames) {
    if (kind == workload_kind) return name;
  }
  return {};
}

/// Without tag and digest: registry:5000/name of registry:5000/name:tag@digest.
std::string_view NameOfImage(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const size_t colon = image.rfind(':');
  const bool tagged =
      colon != std::string_view::npos && image.find('/', colon) == std::string_view::npos;
  return tagged ? image.substr(0, colon) : image;
}

/// The fields of a log record before its body's text, and, once their length is known, the record's
/// own head before them.
class Head {
 public:
  void Fixed64(uint32_t field, uint64_t value) {
    *end_++ = WireTag(field, WireType::kFixed64);
    std::memcpy(end_, &value, sizeof value);  // little-endian, as it has to be
    end_ += sizeof value;
  }
  void Varint(uint32_t field, uint64_t value) {
    *end_++ = WireTag(field, WireType::kVarint);
    end_ = PutVarint(value, end_);
  }
  void Bytes(uint32_t field, uint64_t bytes) { end_ = PutFieldHead(field, bytes, end_); }
  void Add(std::string_view text) {
    std::memcpy(end_, text.data(), text.size());
    end_ += text.size();
  }
  /// All of it, as the beginning of a field `field` that has `more` bytes behind it.
  std::string_view Finish(uint32_t field, uint64_t more) {
    const uint64_t bytes = static_cast<uint64_t>(end_ - fields()) + more;
    char* const begin = fields() - 1 - VarintBytes(bytes);
    PutFieldHead(field, bytes, begin);
    return {begin, static_cast<size_t>(end_ - begin)};
  }

 private:
  char* fields() { return bytes_.data() + 1 + kVarintBytesMax; }

  std::array<char, 320> bytes_;  // the longest has 230
  char* end_ = fields();
};

void AddOffset(uint64_t offset, Head* head) {
  const uint64_t value = 1 + VarintBytes(offset);
  head->Bytes(kAttributes, FieldBytes(kOffset.size()) + FieldBytes(value));
  head->Bytes(kKey, kOffset.size());
  head->Add(kOffset);
  head->Bytes(kValue, value);
  head->Varint(kInt, offset);
}

/// An attribute without the last `bytes` of it, which are its value's text.
std::string WithoutText(std::string attribute, size_t bytes) {
  attribute.resize(attribute.size() - bytes);
  return attribute;
}

std::string True() {
  std::string value;
  AppendVarintField(kBool, 1, &value);
  return value;
}

}  // namespace

OtlpEncoder::OtlpEncoder(const OtlpOptions& options)
    : options_(options),
      releases_(options.release_pattern),
      stdout_(Attribute(kAttributes, "log.iostream", TextValue("stdout"))),
      stderr_(Attribute(kAttributes, "log.iostream", TextValue("stderr"))),
      cut_(Attribute(kAttributes, "hinomi.cut", True())),
      id_(WithoutText(Attribute(kAttributes, "log.record.uid", TextValue(ToView(DocumentId{}))),
                      DocumentId{}.size())) {}

std::string OtlpEncoder::Metadata(const Origin& origin) const {
  std::string resource, metadata;
  if (origin.pod.docker == nullptr) {
    AppendKubernetes(origin.pod, &resource);
  } else {
    AppendDocker(*origin.pod.docker, &resource);
  }
  AppendText("log.file.path", origin.path, &resource);
  AppendField(kResourceOfResourceLogs, resource, &metadata);
  return metadata;
}

void OtlpEncoder::AppendKubernetes(const PodInfo& pod, std::string* resource) const {
  AppendText("k8s.cluster.name", options_.cluster, resource);
  AppendText("k8s.node.name", options_.node, resource);
  AppendText("k8s.namespace.name", pod.namespace_name, resource);
  AppendText("k8s.pod.name", pod.pod_name, resource);
  AppendText("k8s.pod.uid", pod.pod_uid, resource);
  AppendText("k8s.container.name", pod.container_name, resource);
  AppendNumber("k8s.container.restart_count", pod.restart_count, resource);
  const std::string_view workload = NameAttributeOf(pod.workload_kind);
  if (!workload.empty()) AppendText(workload, pod.workload_name, resource);
  AppendText("service.namespace", pod.namespace_name, resource);
  if (pod.metadata_missing) AppendText("hinomi.metadata", "missing", resource);
  if (pod.metadata == nullptr) {
    AppendText(kServiceName, pod.workload_name, resource);
    return;
  }
  const auto& annotations = pod.metadata->annotations;
  const auto service = annotations.find(std::string(kServiceAnnotation));
  AppendText(kServiceName, service == annotations.end() ? pod.workload_name : service->second,
             resource);
  AppendTexts("k8s.pod.label.", options_.labels, pod.metadata->labels, resource);
  AppendTexts("k8s.pod.annotation.", options_.annotations, annotations, resource);
  const ContainerMetadata* const container =
      FindContainer(*pod.metadata, pod.container_name, pod.restart_count);
  if (container == nullptr) return;
  AppendText("container.id", container->id, resource);
  AppendText("container.runtime.name", container->runtime, resource);
  AppendText("container.image.id", container->image_digest, resource);
  AppendImage(container->image, container->revision, resource);
}

void OtlpEncoder::AppendDocker(const DockerContainer& container, std::string* resource) const {
  AppendText("host.name", options_.node, resource);
  AppendText("container.id", container.id, resource);
  AppendText("container.name", container.name, resource);
  for (const auto& [key, text] : container.labels) {
    AppendText("container.label." + key, text, resource);
  }
  AppendText("service.namespace", LabelOf(container, kComposeProjectLabel), resource);
  const std::string_view service = LabelOf(container, kComposeServiceLabel);
  AppendText(kServiceName, service.empty() ? container.name : service, resource);
  AppendImage(container.image, LabelOf(container, kRevisionLabel), resource);
}

void OtlpEncoder::AppendImage(std::string_view image, std::string_view revision,
                              std::string* resource) const {
  AppendText("container.image.name", NameOfImage(image), resource);
  const std::string_view tag = TagOf(image);
  if (!tag.empty()) {
    std::string values, tags;
    AppendField(kValuesOfArray, TextValue(tag), &values);
    AppendField(kArray, values, &tags);
    *resource += Attribute(kAttributesOfResource, "container.image.tags", tags);
  }
  const std::optional<Release> release = releases_.Of(image, revision);
  if (!release) return;
  if (release->branch != kUnknownRelease) {
    AppendText("vcs.ref.head.name", release->branch, resource);
  }
  if (release->commit != kUnknownRelease) {
    AppendText("vcs.ref.head.revision", release->commit, resource);
  }
}

void OtlpEncoder::Append(const Record& record, const EncodedLog& log, Batch* batch) const {
  std::string& bytes = batch->bytes;
  Slice& slice = batch->slices[log.slice];
  if (slice.head_end == slice.head_begin) {
    slice.head_begin = static_cast<uint32_t>(bytes.size());
    bytes += log.metadata;
    slice.head_end = static_cast<uint32_t>(bytes.size());
  }

  Head head;
  head.Fixed64(kTime, UnixNanosecondsOf(record.time));
  head.Fixed64(kObservedTime, static_cast<uint64_t>(log.read.count()));
  const Severity severity = SeverityOf(record.body);
  if (severity.number != 0) head.Varint(kSeverityNumber, severity.number);
  if (!severity.text.empty()) {
    head.Bytes(kSeverityText, severity.text.size());
    head.Add(severity.text);
  }
  if (record.stream == Stream::kStdout) head.Add(stdout_);
  if (record.stream == Stream::kStderr) head.Add(stderr_);
  AddOffset(record.begin.offset, &head);
  head.Add(id_);
  head.Add(ToView(DocumentIdOf(log.origin, record)));
  if (record.cut) head.Add(cut_);
  const size_t body_bytes = Utf8Bytes(record.body);
  head.Bytes(kBody, FieldBytes(body_bytes));
  head.Bytes(kString, body_bytes);

  const size_t begin = bytes.size();
  bytes += head.Finish(kLogRecordsOfScopeLogs, body_bytes);
  if (body_bytes == record.body.size()) {
    bytes += record.body;
  } else {
    AppendUtf8(record.body, &bytes);
  }
  AddRecord(record, log, begin, batch);
}

}  // namespace hinomi
