// Records as documents of the Elastic Common Schema, the way Elastic's Kubernetes integration ships
// container logs:
//
//   {"@timestamp":"...","stream":"stdout","log":{"offset":7,"file":{"path":"..."}},"kubernetes":{...},
//    "orchestrator":{...},"data_stream":{...},"message":"..."}
//
// or, in place of the message, the members of a body that is JSON. With what is known of its pod
// (PodInfo::metadata) "kubernetes" has the labels and annotations that EcsOptions allows, and there
// is "container" (id, runtime, image.name, image.hash.all); where nothing is known of a pod
// although somebody was asked, `"hinomi":{"metadata":"missing"}` says so, but for the agent's own
// events, whose bodies have "hinomi". "release" (branch, commit) is there where somebody has said
// how to tell it. A container outside Kubernetes has, in place of "kubernetes", "container" (id,
// name, image.name and labels), "docker" with its compose project and service, and "host" with the
// node's name. Labels keep their dots: what is indexed must not take them apart (MappingsTemplate
// in shipper/sink/elasticsearch_templates.h), since `a` and `a.b` are both labels, but no text and
// object in one. Knows nothing of where the documents go.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "metadata/release.h"
#include "shipper/batch.h"
#include "shipper/encode/encoded_log.h"
#include "shipper/encode/index_name.h"
#include "shipper/sink.h"

namespace hinomi {

struct EcsOptions {
  RecordFormat format = RecordFormat::kBulk;
  std::string cluster;
  std::string node;
  /// Of Elasticsearch, as its configuration has it; may be empty. data_stream.* is written where
  /// this is a data stream called type-dataset-namespace.
  std::string index;
  std::vector<std::string> labels = {};       // patterns of the keys that are written
  std::vector<std::string> annotations = {};  // the same
  /// Dots in those keys become _. Otherwise what is indexed must not take them apart, since `a` and
  /// `a.b` are both labels.
  bool dedot = true;
  std::string release_pattern = {};  // of tags of images
  std::string time_zone = "UTC";     // of dates in the index
  bool ids = true;                   // in a kBulk action
};

/// Any number of threads.
class EcsEncoder {
 public:
  explicit EcsEncoder(const EcsOptions& options);

  /// The part of the documents that all records of a log share, encoded. Keep it as long as the
  /// origin is the same.
  std::string Metadata(const Origin& origin) const;

  /// Whether records become documents, which take the members of a JSON body; a line is what it
  /// was.
  bool makes_documents() const { return format_ != RecordFormat::kLines; }
  const IndexNames& indices() const { return indices_; }

  /// Appends one record to the batch's bytes and records. Any body gives a valid document, on one
  /// line.
  void Append(const Record& record, const EncodedLog& log, Batch* batch) const;

 private:
  void AppendDocument(const Record& record, const EncodedLog& log, std::string* bytes) const;
  void AppendKubernetes(const PodInfo& pod, std::string* out) const;
  void AppendContainer(const PodInfo& pod, std::string* out) const;
  void AppendTexts(std::string_view name, const std::vector<std::string>& patterns,
                   const std::map<std::string, std::string>& texts, std::string* out) const;
  void AppendDocker(const DockerContainer& container, std::string* out) const;
  void AppendRelease(std::string_view image, std::string_view revision, std::string* out) const;

  RecordFormat format_;
  bool ids_;
  IndexNames indices_;
  std::vector<std::string> labels_, annotations_;
  bool dedot_;
  ReleasePattern releases_;
  std::string node_member_;     // the object that names the node; empty when nothing does
  std::string common_members_;  // of the document: what is the same for all logs
};

}  // namespace hinomi
