// Records as log records of OTLP, in protobuf's wire format (proto/otlp.proto), so that a request
// is put together without touching them again (shipper/sink/otlp_request.h):
//
//   Batch::bytes   resource | record | record | resource | record …
//
// A record is a field `log_records` of ScopeLogs; the resource before the first one of each slice
// is the field `resource` of ResourceLogs, and the slice says where it is (Slice::head_begin). The
// resource names the container by OpenTelemetry's semantic conventions (docs/sinks/otlp.md).
//
// A body is the line as it was written, JSON or not: a string, in which each byte that is part of
// no UTF-8 sequence became U+FFFD. `log.record.uid` is the document's id: what comes twice has the
// same one. Knows nothing of where the records go.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "metadata/release.h"
#include "shipper/batch.h"
#include "shipper/encode/encoded_log.h"

namespace hinomi {

struct OtlpOptions {
  std::string cluster;
  std::string node;
  std::vector<std::string> labels = {};       // patterns of the keys that are written
  std::vector<std::string> annotations = {};  // the same
  std::string release_pattern = {};           // of tags of images
};

/// Any number of threads.
class OtlpEncoder {
 public:
  explicit OtlpEncoder(const OtlpOptions& options);

  /// What all records of a log share, encoded: the resource, then the attribute log.file.path of
  /// each record. Keep it as long as the origin is the same.
  std::string Metadata(const Origin& origin) const;

  /// Appends one record to the batch's bytes and records, behind the slice's resource. Any body
  /// gives a valid record.
  void Append(const Record& record, const EncodedLog& log, Batch* batch) const;

 private:
  void AppendKubernetes(const PodInfo& pod, std::string* resource) const;
  void AppendDocker(const DockerContainer& container, std::string* resource) const;
  void AppendImage(std::string_view image, std::string_view revision, std::string* resource) const;

  const OtlpOptions options_;
  const ReleasePattern releases_;
  // Attributes of records, or their beginnings.
  const std::string stdout_, stderr_, cut_, id_;
};

}  // namespace hinomi
