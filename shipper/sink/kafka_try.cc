// What KafkaSink finds out without a record: for `hinomi check`.
#include <fmt/core.h>

#include <algorithm>

#include "shipper/sink/kafka.h"
#include "shipper/sink/kafka_error.h"
#include "shipper/sink/kafka_probe.h"

namespace hinomi {
namespace {

constexpr Duration kAnswerWait = std::chrono::seconds(1);
constexpr Duration kPollWait = std::chrono::milliseconds(50);

}  // namespace

Attempt KafkaSink::Try(const std::stop_token& stop) {
  producer_.reset();
  trying_ = true;
  const Duration deadline = clock_.Monotonic() + config_.timeout;
  Attempt attempt = Prepare();
  if (attempt.error.empty()) attempt = Reach(deadline, stop);
  if (attempt.error.empty()) attempt = TryTopic(deadline);
  if (attempt.error.empty()) attempt = TryAdmission(deadline, stop);
  trying_ = false;
  producer_.reset();
  return attempt;
}

Attempt KafkaSink::Reach(Duration deadline, const std::stop_token& stop) {
  while (!stop.stop_requested() && clock_.Monotonic() < deadline) {
    if (producer_->Answered(kAnswerWait)) return {};
    producer_->Poll(Duration{0});
    if (producer_->blackouts() > 0) break;
  }
  return Unanswered(stop);
}

Attempt KafkaSink::TryTopic(Duration deadline) {
  if (!messages_.topic().IsOne()) return {};  // which ones there will be, the pods say
  const std::string topic = messages_.topic().Of({});
  const Duration wait = std::max(Duration{0}, deadline - clock_.Monotonic());
  const int error = ProbeKafkaTopic(producer_->native(), topic, wait);
  if (error == 0) return {};
  if (!IsUnknownTopic(error)) return Refused(topic, error);
  const auto made = config_.settings.find("allow.auto.create.topics");
  const bool asks = made == config_.settings.end() || made->second == "true";
  const std::optional<bool> makes = KafkaMakesTopics(producer_->native(), wait);
  if (asks && makes == true) return {};
  Attempt attempt = Refused(topic, error);
  if (asks && !makes) {
    attempt.error += "; whether the brokers do, they do not tell this user (DescribeConfigs)";
  }
  return attempt;
}

// The brokers give a number to every client that writes without doubles, if it may write anywhere.
Attempt KafkaSink::TryAdmission(Duration deadline, const std::stop_token& stop) {
  while (!stop.stop_requested() && clock_.Monotonic() < deadline) {
    if (statistics_->admitted()) return {};
    if (const int error = producer_->fatal_error(); error != 0) {
      const KafkaError meaning = KafkaErrorOf(error);
      return {.error = fmt::format("cannot write to Kafka at \"{}\": {}; {}", brokers_,
                                   producer_->Fatal(), meaning.remedy),
              .code = std::string(meaning.code),
              .retry_after = {}};
    }
    producer_->Poll(kPollWait);
  }
  return Unanswered(stop);
}

Attempt KafkaSink::Refused(const std::string& topic, int error) const {
  const KafkaError meaning = KafkaErrorOf(error);
  Attempt attempt{.error = fmt::format("cannot send to topic \"{}\" of Kafka at \"{}\": {}", topic,
                                       brokers_, meaning.text),
                  .code = std::string(meaning.code),
                  .retry_after = {}};
  if (!meaning.remedy.empty()) attempt.error.append("; ").append(meaning.remedy);
  return attempt;
}

}  // namespace hinomi
