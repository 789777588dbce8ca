#include "shipper/sink/otlp_json.h"

#include <fmt/core.h>
#include <proto/otlp.pb.h>

#include "base/check.h"
#include "shipper/sink/json_text.h"
#include "shipper/sink/otlp_request.h"

namespace hinomi {
namespace {

namespace otlp = ::opentelemetry::proto::collector::logs::v1;

/// `[…]` of what `show` makes of each.
template <typename Items, typename Show>
std::string Array(const Items& items, Show show) {
  std::string text = "[";
  for (const auto& item : items) {
    if (text.size() > 1) text += ',';
    text += show(item);
  }
  return text + "]";
}

std::string Value(const otlp::AnyValue& value) {
  switch (value.value_case()) {
    case otlp::AnyValue::kStringValue:
      return fmt::format(R"({{"stringValue":{}}})", JsonString(value.string_value()));
    case otlp::AnyValue::kBoolValue:
      return fmt::format(R"({{"boolValue":{}}})", value.bool_value());
    case otlp::AnyValue::kIntValue:
      return fmt::format(R"({{"intValue":"{}"}})", value.int_value());
    case otlp::AnyValue::kArrayValue:
      return fmt::format(R"({{"arrayValue":{{"values":{}}}}})",
                         Array(value.array_value().values(), Value));
    case otlp::AnyValue::VALUE_NOT_SET:
      break;
  }
  return "{}";
}

std::string Attribute(const otlp::KeyValue& pair) {
  return fmt::format(R"({{"key":{},"value":{}}})", JsonString(pair.key()), Value(pair.value()));
}

std::string LogRecord(const otlp::LogRecord& record) {
  std::string text = fmt::format(R"({{"timeUnixNano":"{}","observedTimeUnixNano":"{}")",
                                 record.time_unix_nano(), record.observed_time_unix_nano());
  if (record.severity_number() != 0) {
    text += fmt::format(R"(,"severityNumber":{})", record.severity_number());
  }
  if (!record.severity_text().empty()) {
    text += fmt::format(R"(,"severityText":{})", JsonString(record.severity_text()));
  }
  return text + fmt::format(R"(,"body":{},"attributes":{}}})", Value(record.body()),
                            Array(record.attributes(), Attribute));
}

std::string Scope(const otlp::ScopeLogs& scope) {
  return fmt::format(R"({{"logRecords":{}}})", Array(scope.log_records(), LogRecord));
}

std::string Resource(const otlp::ResourceLogs& logs) {
  return fmt::format(R"({{"resource":{{"attributes":{}}},"scopeLogs":{}}})",
                     Array(logs.resource().attributes(), Attribute),
                     Array(logs.scope_logs(), Scope));
}

}  // namespace

std::string OtlpJson(std::string_view request) {
  otlp::ExportLogsServiceRequest parsed;
  CHECK(parsed.ParseFromArray(request.data(), static_cast<int>(request.size())));
  return fmt::format(R"({{"resourceLogs":{}}})", Array(parsed.resource_logs(), Resource));
}

std::string OtlpJson(const Batch& batch, uint32_t record) {
  OtlpRequest request;
  std::string bytes;
  for (std::string_view part : request.Assemble(batch, {&record, 1})) bytes += part;
  return OtlpJson(bytes);
}

}  // namespace hinomi
