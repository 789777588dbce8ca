// A request of OTLP as JSON, for dead letters: people can read it, and `curl` can send it to
// /v1/logs of any collector.
// Source: the OpenTelemetry protocol's specification, JSON protobuf encoding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shipper/batch.h"

namespace hinomi {

/// Of an ExportLogsServiceRequest that the agent has written itself. One line.
std::string OtlpJson(std::string_view request);
/// Of one with this record of a batch in RecordFormat::kOtlp.
std::string OtlpJson(const Batch& batch, uint32_t record);

}  // namespace hinomi
