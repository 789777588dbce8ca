#include "config/kafka_settings.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "config/text.h"

namespace hinomi {
namespace {

constexpr std::string_view kOwnKey = "use the key {} of the sink";
constexpr std::string_view kLoses = "another value could lose records";
constexpr std::string_view kOrder = "another value could change the order of records";
constexpr std::string_view kMemory = "limits.in_flight_bytes_max bounds this memory";
constexpr std::string_view kRuns = "it runs code or commands of its own";
constexpr std::string_view kCallback = "its answers would be read by nobody";

struct Denial {
  std::string_view name;  // one that ends with a dot denies all that begin with it
  std::string_view reason;
  std::string_view own_key = "";
};

constexpr Denial kDenials[] = {
    {"bootstrap.servers", kOwnKey, "brokers"},
    {"metadata.broker.list", kOwnKey, "brokers"},
    {"compression.codec", kOwnKey, "compression"},
    {"compression.type", kOwnKey, "compression"},
    {"security.protocol", kOwnKey, "tls"},
    {"sasl.", kOwnKey, "sasl, username or password_file"},
    {"ssl.ca.", kOwnKey, "ca_file"},
    {"ssl.certificate.", kOwnKey, "certificate_file"},
    {"ssl.key.", kOwnKey, "key_file"},
    {"ssl.keystore.", kOwnKey, "certificate_file"},
    {"enable.ssl.certificate.verification", "tls promises to verify the brokers"},
    {"ssl.engine.", kRuns},
    {"ssl.providers", kRuns},
    {"plugin.library.paths", kRuns},
    {"acks", kLoses},
    {"request.required.acks", kLoses},
    {"message.timeout.ms", kLoses},
    {"delivery.timeout.ms", kLoses},
    {"retries", kLoses},
    {"message.send.max.retries", kLoses},
    {"enable.idempotence", "without it records could arrive twice"},
    {"transactional.id", kOwnKey, "delivery"},
    {"transaction.timeout.ms", kLoses},
    {"isolation.level", "cursors that are not committed do not count"},
    {"allow.auto.create.topics", "a topic for cursors has to be made compacted"},
    {"enable.gapless.guarantee", kOrder},
    {"max.in.flight", kOrder},
    {"max.in.flight.requests.per.connection", kOrder},
    {"partitioner", kOrder},
    {"queuing.strategy", kOrder},
    {"queue.buffering.max.messages", kMemory},
    {"queue.buffering.max.kbytes", kMemory},
    {"delivery.report.only.error", "a record counts as delivered only when a report says so"},
    {"enabled_events", kCallback},
    {"log.queue", kCallback},
    {"test.mock.num.brokers", "records would go nowhere"},
};

bool Denies(const Denial& denial, std::string_view name) {
  return denial.name.ends_with('.') ? name.starts_with(denial.name) : name == denial.name;
}

}  // namespace

std::string CheckKafkaSetting(std::string_view name) {
  const auto* const denial =
      std::find_if(std::begin(kDenials), std::end(kDenials),
                   [&](const Denial& candidate) { return Denies(candidate, name); });
  if (denial == std::end(kDenials)) return CheckNotEmpty(name);
  return fmt::format("cannot be set: {}",
                     fmt::format(fmt::runtime(denial->reason), denial->own_key));
}

std::string CheckKafkaHeader(std::string_view text) {
  constexpr std::string_view kWords[] = {"cluster", "node", "namespace", "pod", "container"};
  for (size_t open = text.find('{'); open != text.npos; open = text.find('{', open + 1)) {
    const size_t close = text.find('}', open);
    if (close == text.npos) break;
    const std::string_view word = text.substr(open + 1, close - open - 1);
    if (std::find(std::begin(kWords), std::end(kWords), word) == std::end(kWords)) {
      return fmt::format(
          "expected {{cluster}}, {{node}}, {{namespace}}, {{pod}} or {{container}}, got {{{}}} in "
          "{}",
          word, Quoted(text));
    }
  }
  return CheckText(text);
}

}  // namespace hinomi
