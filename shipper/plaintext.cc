#include "shipper/plaintext.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/loopback.h"

namespace hinomi {
namespace {

constexpr std::string_view kScheme = "http://";

/// Of HOST, HOST:PORT or [IPv6]:PORT.
bool IsElsewhere(std::string_view authority) {
  const bool bracketed = authority.starts_with('[');
  const std::string host(bracketed ? authority.substr(1, authority.find(']') - 1)
                                   : authority.substr(0, authority.find(':')));
  return host != "localhost" && !IsLoopback(host);
}

}  // namespace

bool SendsPlaintext(const SinkConfig& config) {
  switch (config.type) {
    case SinkType::kElasticsearch: {
      const auto& endpoints = config.elasticsearch.endpoints;
      return std::any_of(endpoints.begin(), endpoints.end(), [](const std::string& endpoint) {
        return endpoint.starts_with(kScheme) &&
               IsElsewhere(std::string_view(endpoint).substr(kScheme.size()));
      });
    }
    case SinkType::kKafka:
      return !config.kafka.tls &&
             std::any_of(config.kafka.brokers.begin(), config.kafka.brokers.end(), IsElsewhere);
    case SinkType::kOtlp:
      return !config.otlp.tls && IsElsewhere(config.otlp.endpoint);
    case SinkType::kArchive:
    case SinkType::kStdout:
      return false;
  }
  CheckFailed(__FILE__, __LINE__, "a SinkType");
}

}  // namespace hinomi
