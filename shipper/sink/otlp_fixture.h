// Batches as the encoder of OTLP leaves them, and what stands in a request, for the tests of sinks.
#pragma once

#include <fmt/core.h>
#include <proto/otlp.pb.h>

#include <string>
#include <vector>

#include "shipper/batch.h"

namespace hinomi {

namespace otlp = ::opentelemetry::proto::collector::logs::v1;

/// `pod: body` of every record, in the order of the request.
inline std::vector<std::string> Lines(const otlp::ExportLogsServiceRequest& request) {
  std::vector<std::string> lines;
  for (const otlp::ResourceLogs& logs : request.resource_logs()) {
    const std::string& pod = logs.resource().attributes(0).value().string_value();
    for (const otlp::ScopeLogs& scope : logs.scope_logs()) {
      for (const otlp::LogRecord& record : scope.log_records()) {
        lines.push_back(pod + ": " + record.body().string_value());
      }
    }
  }
  return lines;
}

/// As an encoder leaves it: one slice a pod, `bodies` by slice.
inline Batch BatchOf(const std::vector<std::vector<std::string>>& bodies) {
  Batch batch;
  for (uint32_t i = 0; i < bodies.size(); ++i) {
    otlp::ResourceLogs resource;
    otlp::KeyValue* const pod = resource.mutable_resource()->add_attributes();
    pod->set_key("k8s.pod.name");
    pod->mutable_value()->set_string_value(fmt::format("pod-{}", i));
    Slice& slice = batch.slices.emplace_back();
    slice.head_begin = static_cast<uint32_t>(batch.bytes.size());
    batch.bytes += resource.SerializeAsString();
    slice.head_end = static_cast<uint32_t>(batch.bytes.size());
    for (const std::string& body : bodies[i]) {
      otlp::ScopeLogs scope;
      scope.add_log_records()->mutable_body()->set_string_value(body);
      BatchRecord& record = batch.records.emplace_back();
      record.begin = static_cast<uint32_t>(batch.bytes.size());
      batch.bytes += scope.SerializeAsString();
      record.end = static_cast<uint32_t>(batch.bytes.size());
      record.slice = i;
    }
  }
  return batch;
}

}  // namespace hinomi
