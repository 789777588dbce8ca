#include "shipper/sink/kafka.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/check.h"
#include "shipper/sink/kafka_error.h"

namespace hinomi {
namespace {

constexpr Duration kPollWait = std::chrono::milliseconds(50);
constexpr size_t kTopicsMax = 1000;

}  // namespace

KafkaSink::KafkaSink(const SinkConfig& config, const KafkaEnvironment& environment)
    : name_(config.name),
      batch_bytes_(config.batch_bytes),
      config_(config.kafka),
      files_(environment.files),
      clock_(environment.clock),
      messages_(config_, {environment.cluster, environment.node}),
      brokers_(KafkaBrokers(config_)),
      sets_(FirstKafkaSets(config_)) {
  hook_ = environment.metrics.OnExpose([statistics = statistics_, name = name_] {
    return statistics->Rows({{"sink", name}});
  });
}

Attempt KafkaSink::Deliver(Batch& batch, uint32_t, const std::stop_token& stop) {
  CHECK(batch.number != 0);
  const Duration deadline = clock_.Monotonic() + config_.timeout;
  if (batch.number != batch_) Begin(batch);
  while (waiting_ + produced_ > 0) {
    if (Attempt failure = Prepare(); !failure.error.empty()) return failure;
    if (produced_ == 0) Produce(batch);
    Await(batch, deadline, stop);
    if (produced_ > 0) return Unanswered(stop);
    if (waiting_ == 0) break;
    Attempt refusal = Refusal(batch);
    producer_.reset();
    if (!Adapt() || stop.stop_requested() || clock_.Monotonic() >= deadline) return refusal;
  }
  Reject(batch);
  batch_ = 0;
  return {};
}

void KafkaSink::Begin(const Batch& batch) {
  // A producer that still holds records of a batch that was taken back, one that sends them one by
  // one, or one that remembers too many topics, is done with.
  if (producer_ != nullptr && (produced_ > 0 || single_ || producer_->topics() > kTopicsMax)) {
    producer_.reset();
  }
  batch_ = batch.number;
  single_ = false;
  too_large_.clear();
  states_.clear();
  for (const BatchRecord& record : batch.records) {
    states_.push_back(record.outcome == Outcome::kPending ? State::kWaiting : State::kDecided);
  }
  waiting_ = static_cast<size_t>(std::count(states_.begin(), states_.end(), State::kWaiting));
  produced_ = 0;
}

// A producer with the secrets that are in the files now.
Attempt KafkaSink::Prepare() {
  const auto secrets = ReadKafkaSecrets(files_, config_);
  if (!secrets) return {.error = secrets.error().message, .code = "secret", .retry_after = {}};
  if (producer_ != nullptr && secrets->password != secrets_.password) {
    producer_->SetPassword(config_.username, secrets->password);
    secrets_.password = secrets->password;
  }
  // Certificates take a new producer, and records that are on their way belong to the old one; but
  // not if it can get through to nobody.
  const bool stuck = producer_ != nullptr && KafkaErrorOf(producer_->trouble().error).code == "tls";
  if (producer_ != nullptr && *secrets != secrets_ && (produced_ == 0 || stuck)) {
    Recall();
    producer_.reset();
  }
  if (producer_ != nullptr) return {};
  if (const auto made = MakeProducer(*secrets); !made) {
    return {.error = fmt::format("cannot connect to Kafka at \"{}\": {}", brokers_,
                                 made.error().message),
            .code = "settings",
            .retry_after = {}};
  }
  secrets_ = *secrets;
  return {};
}

Result<void> KafkaSink::MakeProducer(const KafkaSecrets& secrets) {
  KafkaProperties properties = KafkaPropertiesOf(config_, secrets, sets());
  if (trying_) {
    properties.emplace_back("allow.auto.create.topics", "false");
    properties.emplace_back("statistics.interval.ms", "100");
  }
  auto made = KafkaProducer::Make(
      {.sink_name = name_, .properties = std::move(properties), .statistics = statistics_});
  if (!made) return made.error();
  producer_ = std::move(*made);
  blackouts_ = 0;
  return {};
}

void KafkaSink::Produce(const Batch& batch) {
  error_ = 0;
  progress_ = 0;
  std::vector<uint32_t> waiting;
  for (uint32_t i = 0; i < states_.size(); ++i) {
    if (states_[i] == State::kWaiting) waiting.push_back(i);
  }
  KafkaMessages::ByTopic messages = messages_.Of(batch, waiting, sets());
  for (auto& [topic, some] : messages) {
    producer_->Produce(topic, some);
    for (const KafkaMessage& message : some) {
      const std::span<const uint32_t> records = messages_.RecordsOf(message.number);
      if (message.error == 0) {
        ChangeAll(message.number, State::kProduced);
      } else if (records.size() == 1 && IsTooLarge(message.error)) {
        too_large_.push_back(records.front());
        Change(records.front(), State::kDecided);
      } else {
        Refuse(message.number, message.error);
      }
    }
  }
}

void KafkaSink::Change(uint32_t record, State state) {
  State& now = states_.at(record);
  if (now == State::kWaiting) --waiting_;
  if (now == State::kProduced) --produced_;
  if (state == State::kWaiting) ++waiting_;
  if (state == State::kProduced) ++produced_;
  if (state == State::kDecided) ++progress_;
  now = state;
}

void KafkaSink::ChangeAll(uint32_t message, State state) {
  for (uint32_t record : messages_.RecordsOf(message)) Change(record, state);
}

// Its cause is kept; that the producer then refuses the rest too says nothing new.
void KafkaSink::Refuse(uint32_t message, int error) {
  ChangeAll(message, State::kWaiting);
  if (error_ != 0 && !(IsAftermath(error_) && !IsAftermath(error))) return;
  error_ = error;
  refused_ = messages_.RecordsOf(message).front();
}

void KafkaSink::Await(Batch& batch, Duration deadline, const std::stop_token& stop) {
  bool fatal = false;
  while (produced_ > 0 && producer_->blackouts() == blackouts_ && !stop.stop_requested()) {
    const Duration left = deadline - clock_.Monotonic();
    if (left <= Duration{0}) break;
    for (const KafkaReport& report : producer_->Poll(std::min(left, kPollWait))) {
      const std::span<const uint32_t> records = messages_.RecordsOf(report.number);
      if (report.error == 0) {
        for (uint32_t record : records) batch.records[record].outcome = Outcome::kAcknowledged;
        ChangeAll(report.number, State::kDecided);
      } else if (single_ && IsTooLarge(report.error)) {
        too_large_.push_back(records.front());
        ChangeAll(report.number, State::kDecided);
      } else {
        Refuse(report.number, report.error);
      }
    }
    // It sends nothing more, and takes back what a broker refuses for that reason.
    fatal = producer_->IsFatal();
    if (fatal) producer_->Purge();
  }
  blackouts_ = producer_->blackouts();
  // What it had sent when it gave up is waited for, but not for ever.
  if (fatal && !stop.stop_requested()) Recall();
}

// What the producer holds has to be produced again, by another one.
void KafkaSink::Recall() {
  for (uint32_t i = 0; i < states_.size(); ++i) {
    if (states_[i] == State::kProduced) Change(i, State::kWaiting);
  }
}

// Whether the next round can do better at once. A topic that takes less than librdkafka puts into a
// set refuses the good records with the large one: smaller sets find out which that is.
bool KafkaSink::Adapt() {
  if (!IsTooLarge(error_)) return single_ && progress_ > 0;
  if (sets_ == KafkaSets::kSmall) single_ = true;
  sets_ = sets_ == KafkaSets::kWhole ? KafkaSets::kLarge : KafkaSets::kSmall;
  return true;
}

void KafkaSink::Reject(Batch& batch) {
  std::sort(too_large_.begin(), too_large_.end());
  for (uint32_t record : too_large_) messages_.Reject(record, &batch);
}

void KafkaSink::Tidy() {
  if (producer_ != nullptr) producer_->Tend();
}

Attempt KafkaSink::Unanswered(const std::stop_token& stop) const {
  Attempt attempt{.error = fmt::format("cannot send to Kafka at \"{}\": ", brokers_),
                  .code = "timeout",
                  .retry_after = {}};
  if (stop.stop_requested()) {
    attempt.code = "stopped";
    attempt.error += "the agent is stopping";
    return attempt;
  }
  const KafkaTrouble& trouble = producer_->trouble();
  const KafkaError meaning = KafkaErrorOf(trouble.error);
  if (trouble.error == 0 && produced_ == 0) {
    attempt.error += fmt::format("no broker has answered within {} ms; is one running there?",
                                 config_.timeout / std::chrono::milliseconds(1));
    return attempt;
  }
  if (trouble.error == 0) {
    attempt.error += fmt::format("{} records are not acknowledged within {} ms; {}", produced_,
                                 config_.timeout / std::chrono::milliseconds(1),
                                 "has every partition a leader and enough replicas in sync?");
    return attempt;
  }
  attempt.code = meaning.code;
  attempt.error += trouble.text;
  const bool scram = !config_.username.empty() && config_.sasl != SaslMechanism::kPlain;
  for (const std::string& remedy :
       {std::string(meaning.remedy),
        scram && meaning.code == "authentication" ? ScramRemedy() : std::string()}) {
    if (!remedy.empty()) attempt.error += "; " + remedy;
  }
  return attempt;
}

Attempt KafkaSink::Refusal(const Batch& batch) const {
  const KafkaError meaning = KafkaErrorOf(error_);
  const std::string fatal = producer_->Fatal();
  const bool vague = error_ == 0 || (IsAftermath(error_) && !fatal.empty());
  Attempt attempt{.error = fmt::format("cannot send to topic \"{}\" of Kafka at \"{}\": {}",
                                       messages_.TopicOf(batch, refused_), brokers_,
                                       vague ? fatal : meaning.text),
                  .code = vague ? "fatal" : std::string(meaning.code),
                  .retry_after = {}};
  if (!meaning.remedy.empty()) attempt.error.append("; ").append(meaning.remedy);
  return attempt;
}

}  // namespace hinomi
