#include "shipper/encode/ecs.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "config/glob.h"
#include "metadata/docker_container.h"
#include "metadata/pod_metadata.h"
#include "shipper/encode/document_id.h"
#include "shipper/encode/escape.h"

namespace hinomi {
namespace {

/// `"name":"value"`, after a comma unless it is the first of its object.
void AppendMember(std::string_view name, std::string_view value, std::string* out) {
  if (!out->empty() && out->back() != '{') *out += ',';
  *out += '"';
  *out += name;
  *out += "\":\"";
  AppendEscaped(value, out);
  *out += '"';
}

std::string Escaped(std::string_view text) {
  std::string out;
  AppendEscaped(text, &out);
  return out;
}

/// The field that ECS has for a workload of this kind, if any.
std::string_view FieldOf(std::string_view workload_kind) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kFields = {{
      {"Deployment", "deployment"},
      {"StatefulSet", "statefulset"},
      {"DaemonSet", "daemonset"},
      {"Job", "job"},
      {"CronJob", "cronjob"},
  }};
  for (const auto& [kind, field] : kFields) {
    if (kind == workload_kind) return field;
  }
  return {};
}

/// `,"data_stream":{...}` if `index` has the three parts of a data stream's name.
std::string DataStreamMember(std::string_view index) {
  const size_t first = index.find('-');
  const size_t last = index.rfind('-');
  if (first == std::string_view::npos || index.find('-', first + 1) != last || first == last)
    return {};
  const std::string_view type = index.substr(0, first);
  const std::string_view dataset = index.substr(first + 1, last - first - 1);
  const std::string_view namespace_name = index.substr(last + 1);
  if (type.empty() || dataset.empty() || namespace_name.empty()) return {};
  std::string member = ",\"data_stream\":{";
  AppendMember("type", type, &member);
  AppendMember("dataset", dataset, &member);
  AppendMember("namespace", namespace_name, &member);
  return member + "}";
}

/// A few short pieces of text that go into a batch together.
class Head {
 public:
  void Add(std::string_view text) {
    std::memcpy(bytes_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void Add(uint64_t number) {
    size_ = std::to_chars(bytes_.data() + size_, bytes_.data() + bytes_.size(), number).ptr -
            bytes_.data();
  }
  std::string_view text() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 512> bytes_;  // the longest has 190, and an index of up to 255
  size_t size_ = 0;
};

constexpr size_t kTimeBytesMax = 35;

}  // namespace

EcsEncoder::EcsEncoder(const EcsOptions& options)
    : format_(options.format),
      ids_(options.ids),
      indices_(options.index, options.cluster, options.time_zone),
      labels_(options.labels),
      annotations_(options.annotations),
      dedot_(options.dedot),
      releases_(options.release_pattern) {
  if (!options.node.empty()) {
    node_member_ = "{";
    AppendMember("name", options.node, &node_member_);
    node_member_ += '}';
  }
  if (!options.cluster.empty()) {
    common_members_ = ",\"orchestrator\":{\"cluster\":{";
    AppendMember("name", options.cluster, &common_members_);
    common_members_ += "}}";
  }
}

std::string EcsEncoder::Metadata(const Origin& origin) const {
  std::string out = "\"file\":{";
  AppendMember("path", origin.path, &out);
  out += "}},";
  if (origin.pod.docker == nullptr) {
    AppendKubernetes(origin.pod, &out);
  } else {
    AppendDocker(*origin.pod.docker, &out);
  }
  out += common_members_;
  if (!indices_.dated()) out += DataStreamMember(indices_.Of(origin.pod, {}));
  return out;
}

void EcsEncoder::AppendKubernetes(const PodInfo& pod, std::string* out) const {
  *out += "\"kubernetes\":{";
  AppendMember("namespace", pod.namespace_name, out);
  *out += ",\"pod\":{";
  AppendMember("name", pod.pod_name, out);
  AppendMember("uid", pod.pod_uid, out);
  *out += "},\"container\":{";
  AppendMember("name", pod.container_name, out);
  *out += '}';
  if (!node_member_.empty()) out->append(",\"node\":").append(node_member_);
  if (!pod.workload_name.empty()) {
    *out += ",\"workload\":{";
    AppendMember("name", pod.workload_name, out);
    if (!pod.workload_kind.empty()) AppendMember("kind", pod.workload_kind, out);
    *out += '}';
  }
  const std::string_view field = FieldOf(pod.workload_kind);
  if (!field.empty()) {
    out->append(",\"").append(field).append("\":{");
    AppendMember("name", pod.workload_name, out);
    *out += '}';
  }
  if (pod.metadata != nullptr) {
    AppendTexts("labels", labels_, pod.metadata->labels, out);
    AppendTexts("annotations", annotations_, pod.metadata->annotations, out);
  }
  *out += '}';
  AppendContainer(pod, out);
  if (pod.metadata_missing) *out += ",\"hinomi\":{\"metadata\":\"missing\"}";
}

void EcsEncoder::AppendContainer(const PodInfo& pod, std::string* out) const {
  const ContainerMetadata* container =
      pod.metadata == nullptr ? nullptr
                              : FindContainer(*pod.metadata, pod.container_name, pod.restart_count);
  if (container == nullptr) {
    AppendRelease("", "", out);
    return;
  }
  *out += ",\"container\":{";
  AppendMember("id", container->id, out);
  AppendMember("runtime", container->runtime, out);
  if (!container->image.empty()) {
    *out += ",\"image\":{";
    AppendMember("name", container->image, out);
    if (!container->image_digest.empty()) {
      *out += ",\"hash\":{\"all\":[\"";
      AppendEscaped(container->image_digest, out);
      *out += "\"]}";
    }
    *out += '}';
  }
  *out += '}';
  AppendRelease(container->image, container->revision, out);
}

void EcsEncoder::AppendRelease(std::string_view image, std::string_view revision,
                               std::string* out) const {
  const std::optional<Release> release = releases_.Of(image, revision);
  if (!release) return;
  *out += ",\"release\":{";
  AppendMember("branch", release->branch, out);
  AppendMember("commit", release->commit, out);
  *out += '}';
}

void EcsEncoder::AppendTexts(std::string_view name, const std::vector<std::string>& patterns,
                             const std::map<std::string, std::string>& texts,
                             std::string* out) const {
  std::map<std::string, std::string_view> wanted;
  for (const auto& [key, text] : texts) {
    const bool allowed =
        std::any_of(patterns.begin(), patterns.end(),
                    [&key = key](const auto& pattern) { return GlobMatches(pattern, key); });
    if (!allowed) continue;
    std::string shown = key;
    if (dedot_) std::replace(shown.begin(), shown.end(), '.', '_');
    wanted.try_emplace(std::move(shown), text);  // a.b and a_b cannot both be shown
  }
  if (wanted.empty()) return;
  out->append(",\"").append(name).append("\":{");
  for (const auto& [key, text] : wanted) AppendMember(Escaped(key), text, out);
  *out += '}';
}

void EcsEncoder::AppendDocker(const DockerContainer& container, std::string* out) const {
  *out += "\"container\":{";
  AppendMember("id", container.id, out);
  AppendMember("name", container.name, out);
  if (!container.image.empty()) {
    *out += ",\"image\":{";
    AppendMember("name", container.image, out);
    *out += '}';
  }
  if (!container.labels.empty()) {
    *out += ",\"labels\":{";
    for (const auto& [label, value] : container.labels) AppendMember(Escaped(label), value, out);
    *out += '}';
  }
  *out += '}';
  const std::string_view project = LabelOf(container, kComposeProjectLabel);
  const std::string_view service = LabelOf(container, kComposeServiceLabel);
  if (!project.empty() || !service.empty()) {
    *out += ",\"docker\":{\"compose\":{";
    if (!project.empty()) AppendMember("project", project, out);
    if (!service.empty()) AppendMember("service", service, out);
    *out += "}}";
  }
  if (!node_member_.empty()) out->append(",\"host\":").append(node_member_);
  AppendRelease(container.image, LabelOf(container, kRevisionLabel), out);
}

void EcsEncoder::AppendDocument(const Record& record, const EncodedLog& log,
                                std::string* bytes) const {
  Head head;
  if (format_ == RecordFormat::kBulk) {
    head.Add("{\"create\":{");
    if (!log.index.empty()) {
      head.Add("\"_index\":\"");
      head.Add(log.index);
      head.Add(ids_ ? "\"," : "\"");
    }
    if (ids_) {
      head.Add("\"_id\":\"");
      head.Add(ToView(DocumentIdOf(log.origin, record)));
      head.Add("\"");
    }
    head.Add("}}\n");
  }
  head.Add("{\"@timestamp\":\"");
  head.Add(record.time);
  if (record.stream == Stream::kStdout) head.Add("\",\"stream\":\"stdout");
  if (record.stream == Stream::kStderr) head.Add("\",\"stream\":\"stderr");
  head.Add("\",\"log\":{\"offset\":");
  head.Add(record.begin.offset);
  head.Add(record.cut ? ",\"flags\":[\"cut\"]," : ",");
  *bytes += head.text();
  *bytes += log.metadata;
  if (record.kind == BodyKind::kText) {
    *bytes += ",\"message\":\"";
    AppendEscaped(record.body, bytes);
    *bytes += "\"}\n";
  } else {
    if (!record.body.empty()) *bytes += ',';
    *bytes += record.body;
    *bytes += "}\n";
  }
}

void EcsEncoder::Append(const Record& record, const EncodedLog& log, Batch* batch) const {
  CHECK(record.time.size() <= kTimeBytesMax);
  std::string& bytes = batch->bytes;
  const size_t begin = bytes.size();
  if (makes_documents()) {
    AppendDocument(record, log, &bytes);
  } else {
    CHECK(record.kind == BodyKind::kText);
    bytes += record.time;
    bytes += ' ';
    bytes += record.body;
    bytes += '\n';
  }
  AddRecord(record, log, begin, batch);
}

}  // namespace hinomi
