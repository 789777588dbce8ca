#include "shipper/status.h"

#include <fmt/format.h>

#include "base/check.h"

namespace hinomi {

std::string_view ToString(SinkState state) {
  switch (state) {
    case SinkState::kOk:
      return "ok";
    case SinkState::kFailing:
      return "failing";
    case SinkState::kRejecting:
      return "rejecting";
  }
  CheckFailed(__FILE__, __LINE__, "a SinkState");
}

std::string TypeOf(const SinkConfig& config) {
  switch (config.type) {
    case SinkType::kElasticsearch:
      return "elasticsearch";
    case SinkType::kKafka:
      return "kafka";
    case SinkType::kOtlp:
      return "otlp";
    case SinkType::kArchive:
      return "archive";
    case SinkType::kStdout:
      return "stdout";
  }
  CheckFailed(__FILE__, __LINE__, "a SinkType");
}

std::string TargetOf(const SinkConfig& config) {
  switch (config.type) {
    case SinkType::kElasticsearch:
      return fmt::format("{} into {}", fmt::join(config.elasticsearch.endpoints, ", "),
                         config.elasticsearch.index);
    case SinkType::kKafka:
      return fmt::format("{} into {}", fmt::join(config.kafka.brokers, ", "), config.kafka.topic);
    case SinkType::kOtlp:
      return config.otlp.endpoint;
    case SinkType::kArchive:
      return config.archive.directory;
    case SinkType::kStdout:
      return "the standard output";
  }
  CheckFailed(__FILE__, __LINE__, "a SinkType");
}

}  // namespace hinomi
