#include "shipper/sink/kafka_transactions.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "base/logging.h"
#include "shipper/sink/kafka_cursor.h"
#include "shipper/sink/kafka_error.h"

namespace hinomi {
namespace {

constexpr Duration kPollWait = std::chrono::milliseconds(50);
constexpr Duration kStepWait = std::chrono::seconds(1);
// When the agent ends, a transaction that is left open would hold up readers until its timeout.
constexpr Duration kAbortWait = std::chrono::milliseconds(500);
constexpr Duration kFencedWait = std::chrono::seconds(30);
constexpr size_t kForgottenAtOnce = 1000;
constexpr uint32_t kCursor = std::numeric_limits<uint32_t>::max();  // the number of its message

std::string RandomName() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

std::vector<uint32_t> PendingOf(const Batch& batch) {
  std::vector<uint32_t> pending;
  for (uint32_t i = 0; i < batch.records.size(); ++i) {
    if (batch.records[i].outcome == Outcome::kPending) pending.push_back(i);
  }
  return pending;
}

}  // namespace

KafkaTransactions::KafkaTransactions(Options options, const KafkaEnvironment& environment)
    : options_(std::move(options)),
      environment_(environment),
      messages_(options_.config, {environment.cluster, environment.node}),
      route_key_(KafkaRouteKey(environment.cluster, environment.node, options_.route)),
      run_(RandomName()),
      brokers_(KafkaBrokers(options_.config)),
      sets_(FirstKafkaSets(options_.config)) {
  const auto counter = [&](const char* outcome) {
    return environment_.metrics.CounterOf(
        "hinomi_kafka_transactions_total", "Transactions, by how they ended.",
        {{"sink", options_.sink_name}, {"route", options_.route}, {"outcome", outcome}});
  };
  hook_ = environment_.metrics.OnExpose(
      [statistics = statistics_, sink = options_.sink_name, route = options_.route] {
        return statistics->Rows({{"sink", sink}, {"route", route}});
      });
  committed_ = counter("committed");
  aborted_ = counter("aborted");
}

Attempt KafkaTransactions::Failure(int error, const std::string& text) const {
  const KafkaError meaning = KafkaErrorOf(error);
  Attempt attempt{.error = fmt::format("cannot send to Kafka at \"{}\": {}", brokers_,
                                       text.empty() ? meaning.text : text),
                  .code = std::string(meaning.code),
                  .retry_after = {}};
  if (!meaning.remedy.empty()) attempt.error.append("; ").append(meaning.remedy);
  if (meaning.code == "fenced") attempt.retry_after = kFencedWait;
  return attempt;
}

Attempt KafkaTransactions::Lost(Attempt attempt) {
  producer_.reset();
  committing_ = false;
  attempt.reopen = true;
  return attempt;
}

Attempt KafkaTransactions::Open(const std::stop_token& stop, std::vector<KeptCursor>* cursors) {
  const Patience patience = PatienceFor(0, stop);
  Attempt failure = Make();
  if (failure.error.empty()) failure = Fence(patience);
  if (failure.error.empty()) failure = ReadCursors(patience, cursors);
  return failure.error.empty() ? failure : Lost(std::move(failure));
}

Attempt KafkaTransactions::Try(const std::stop_token& stop) const {
  const auto secrets = ReadKafkaSecrets(environment_.files, options_.config);
  if (!secrets) return {.error = secrets.error().message, .code = "secret", .retry_after = {}};
  const auto topic = MakeTopic(*secrets);
  if (!topic) return {.error = topic.error().message, .code = "settings", .retry_after = {}};
  KafkaCursorTopic::Found found;
  const KafkaTrouble trouble = (*topic)->Find(PatienceFor(0, stop), &found);
  return trouble.error == 0 ? Attempt{} : Failure(trouble.error, trouble.text);
}

KafkaTransactions::Patience KafkaTransactions::PatienceFor(uint64_t bytes,
                                                           const std::stop_token& stop) const {
  const Duration now = environment_.clock.Monotonic();
  return {environment_.clock, now + options_.config.timeout + TimeFor(bytes), stop};
}

Duration KafkaTransactions::TimeFor(uint64_t bytes) const {
  return environment_.egress == nullptr ? Duration{0} : environment_.egress->TimeFor(bytes, 1);
}

// A producer with the secrets that are in the files now.
Attempt KafkaTransactions::Make() {
  producer_.reset();
  const auto secrets = ReadKafkaSecrets(environment_.files, options_.config);
  if (!secrets) return {.error = secrets.error().message, .code = "secret", .retry_after = {}};
  secrets_ = *secrets;
  const std::string id = environment_.cluster + "/" + environment_.node + "/" + options_.route;
  KafkaProperties properties = TransactionalPropertiesOf(options_.config, secrets_, sets_, id);
  lengthened_ = TimeFor(options_.batch_bytes);
  LengthenTimeouts(&properties, lengthened_);
  auto made = KafkaProducer::Make({.sink_name = options_.sink_name,
                                   .properties = std::move(properties),
                                   .statistics = statistics_,
                                   .egress = environment_.egress});
  if (!made) {
    return {.error = fmt::format("cannot connect to Kafka at \"{}\": {}", brokers_,
                                 made.error().message),
            .code = "settings",
            .retry_after = {}};
  }
  producer_ = std::move(*made);
  return {};
}

Attempt KafkaTransactions::Fence(const Patience& patience) {
  KafkaStep step;
  while (!patience.over()) {
    step = producer_->InitTransactions(std::min(patience.left(), kStepWait));
    if (step.error == 0) return {};
    producer_->Poll(Duration{0});
    if (!step.again || producer_->blackouts() > 0) break;
  }
  if (patience.stop.stop_requested()) return Failure(0, "the agent is stopping");
  const KafkaTrouble& trouble = producer_->trouble();
  if (step.again && trouble.error != 0) return Failure(trouble.error, trouble.text);
  return Failure(step.error, step.text);
}

Result<std::unique_ptr<KafkaCursorTopic>> KafkaTransactions::MakeTopic(
    const KafkaSecrets& secrets) const {
  return KafkaCursorTopic::Make({.sink_name = options_.sink_name,
                                 .topic = options_.config.cursor_topic,
                                 .properties = ReaderPropertiesOf(options_.config, secrets),
                                 .egress = environment_.egress});
}

// The marker is the last thing that is committed to the partition before it is read: what stands in
// front of it is all there is, and nobody else writes cursors of this route any more.
Attempt KafkaTransactions::ReadCursors(const Patience& patience, std::vector<KeptCursor>* cursors) {
  const auto topic = MakeTopic(secrets_);
  if (!topic) return {.error = topic.error().message, .code = "settings", .retry_after = {}};
  KafkaCursorTopic::Found found;
  KafkaTrouble trouble = (*topic)->Prepare(patience, &found);
  if (trouble.error != 0) return Failure(trouble.error, trouble.text);
  if (!found.policy_unknown.empty() && !std::exchange(policy_told_, true)) {
    log::Warn(
        "sink \"{}\": nobody says whether topic \"{}\" of Kafka at \"{}\" has "
        "cleanup.policy=compact, without which the cursors of quiet logs are lost: {}; allow the "
        "user the operation DescribeConfigs on it",
        options_.sink_name, options_.config.cursor_topic, brokers_, found.policy_unknown);
  }
  partition_ = static_cast<int32_t>(Hash64Of(route_key_) % static_cast<uint64_t>(found.partitions));
  const std::string marker = fmt::format("{}-{}", run_, ++markers_);
  if (Attempt failure = Mark(patience, marker); !failure.error.empty()) return failure;
  std::map<std::string, KeptCursor> by_log;
  const auto take = [&](std::string_view key, std::string_view value) {
    if (key == route_key_) return value == marker;
    std::optional<std::string> log = LogOfKafkaKey(route_key_, key);
    if (!log) return false;
    std::optional<KeptCursor> cursor = DecodeKafkaCursor(value);
    by_log.erase(*log);
    if (cursor) by_log.emplace(std::move(*log), std::move(*cursor));
    return false;
  };
  trouble = (*topic)->Read(partition_, patience, take);
  if (trouble.error != 0) return Failure(trouble.error, trouble.text);
  for (auto& [log, cursor] : by_log) {
    cursor.log = log;
    cursors->push_back(std::move(cursor));
  }
  return {};
}

Attempt KafkaTransactions::Mark(const Patience& patience, const std::string& marker) {
  const KafkaStep begun = producer_->BeginTransaction();
  if (begun.error != 0) return Failure(begun.error, begun.text);
  KafkaMessage message{.key = route_key_, .payload = marker};
  producer_->Produce(options_.config.cursor_topic, {&message, 1}, partition_);
  Produced outcome{.reports = 1, .error = message.error, .too_large = {}};
  if (outcome.error == 0) Await(patience, &outcome);
  if (outcome.error != 0) return Failure(outcome.error);
  KafkaStep step;
  do {
    step = producer_->CommitTransaction(std::min(patience.left(), kStepWait));
  } while (step.again && !patience.over());
  return step.error == 0 ? Attempt{} : Failure(step.error, step.text);
}

Attempt KafkaTransactions::Deliver(Batch& batch, const std::stop_token& stop) {
  CHECK(batch.number != 0);
  // Nobody knows how the batch before this one ended.
  if (producer_ == nullptr || (committing_ && batch.number != batch_)) {
    return Lost({.error = "the route is not open", .code = "transaction", .retry_after = {}});
  }
  if (batch.number != batch_) {
    batch_ = batch.number;
    suspects_.clear();
    too_large_.clear();
  }
  if (!committing_) {
    const auto secrets = ReadKafkaSecrets(environment_.files, options_.config);
    if (!secrets) return {.error = secrets.error().message, .code = "secret", .retry_after = {}};
    if (*secrets != secrets_) {
      return Lost({.error = "its secrets have changed: it connects anew",
                   .code = "secret",
                   .retry_after = {}});
    }
    if (TimeFor(options_.batch_bytes) > lengthened_) {
      return Lost({.error = "the limit of its egress is lower: it connects anew",
                   .code = "settings",
                   .retry_after = {}});
    }
  }
  const Patience patience = PatienceFor(batch.bytes.size(), stop);
  if (committing_) return Commit(batch, patience);
  for (;;) {
    bool again = false;
    Attempt attempt = Send(batch, patience, &again);
    if (!again) return attempt;
  }
}

// One transaction. `again`: it was aborted, and the next one does better.
Attempt KafkaTransactions::Send(Batch& batch, const Patience& patience, bool* again) {
  const KafkaStep begun = producer_->BeginTransaction();
  if (begun.error != 0) return Lost(Failure(begun.error, begun.text));
  std::vector<uint32_t> together, alone;
  for (uint32_t record : PendingOf(batch)) {
    if (!too_large_.contains(record)) {
      (suspects_.contains(record) ? alone : together).push_back(record);
    }
  }
  Produced outcome;
  ProduceCursors(batch, &outcome);
  Produce(batch, together, patience, &outcome);
  for (size_t i = 0; i < alone.size() && outcome.good(); ++i) {
    Produce(batch, {alone[i]}, patience, &outcome);
  }
  if (outcome.good()) {
    if (too_large_.empty()) return Commit(batch, patience);
    Abort();
    return Reject(batch);
  }
  const KafkaTrouble trouble = producer_->trouble();
  Abort();
  if (patience.stop.stop_requested()) {
    return {.error = "the agent is stopping", .code = "stopped", .retry_after = {}};
  }
  if (!outcome.too_large.empty()) {
    if (!Suspect(batch, outcome.too_large)) return Lost(Failure(kKafkaTooLarge));
    *again = producer_ != nullptr && !patience.over();
    Attempt attempt = Failure(kKafkaTooLarge);
    return producer_ == nullptr ? Lost(std::move(attempt)) : attempt;
  }
  // What an aborted transaction leaves behind may take messages of the next one with it.
  if (IsAftermath(outcome.error) && trouble.error == 0 && producer_ != nullptr) {
    *again = !patience.over();
  }
  const bool vague = IsAftermath(outcome.error) || outcome.error == kKafkaTimedOut;
  Attempt attempt =
      vague && trouble.error != 0 ? Failure(trouble.error, trouble.text) : Failure(outcome.error);
  return producer_ == nullptr ? Lost(std::move(attempt)) : attempt;
}

// Of each log, behind the last of its slices, and of those that are gone.
void KafkaTransactions::ProduceCursors(const Batch& batch, Produced* outcome) {
  std::map<std::string, std::string> values;  // by key
  for (const Slice& slice : batch.slices) {
    CHECK(!slice.ranges.empty());
    const SegmentRange& last = slice.ranges.back();
    values[KafkaCursorKey(route_key_, slice.origin->path)] =
        EncodeKafkaCursor({"", last.segment_key, last.end, slice.after});
  }
  {
    const std::lock_guard lock(mutex_);
    forgetting_ = std::min(gone_.size(), kForgottenAtOnce);
    for (size_t i = 0; i < forgetting_; ++i) {
      values.try_emplace(KafkaCursorKey(route_key_, gone_[i]));
    }
  }
  std::vector<KafkaMessage> messages;
  for (const auto& [key, value] : values) {
    messages.push_back({.key = key,
                        .payload = value.empty() ? std::string_view() : std::string_view(value),
                        .number = kCursor});
  }
  producer_->Produce(options_.config.cursor_topic, messages, partition_);
  for (const KafkaMessage& message : messages) {
    if (message.error == 0) {
      ++outcome->reports;
    } else if (outcome->error == 0) {
      outcome->error = message.error;
    }
  }
}

void KafkaTransactions::Produce(const Batch& batch, const std::vector<uint32_t>& records,
                                const Patience& patience, Produced* outcome) {
  KafkaMessages::ByTopic messages = messages_.Of(batch, records, sets_);
  for (auto& [topic, some] : messages) {
    ProduceSpread(topic, some);
    for (const KafkaMessage& message : some) {
      if (message.error == 0) {
        ++outcome->reports;
      } else if (IsTooLarge(message.error)) {
        const std::span<const uint32_t> alone = messages_.RecordsOf(message.number);
        if (alone.size() == 1) suspects_.insert(alone.front());  // this very one
        outcome->too_large.push_back(message.number);
      } else if (outcome->error == 0) {
        outcome->error = message.error;
      }
    }
  }
  Await(patience, outcome);
  for (uint32_t message : std::exchange(outcome->too_large, {})) {
    const std::span<const uint32_t> its = messages_.RecordsOf(message);
    outcome->too_large.insert(outcome->too_large.end(), its.begin(), its.end());
  }
}

// The first message of each key goes in front of all others, and behind the cursors, so that
// librdkafka knows all partitions of the transaction at once. It tells the coordinator those that
// it knows after a millisecond, and later ones in another request, each of which costs it, before
// version 2.4, milliseconds of busy waiting.
void KafkaTransactions::ProduceSpread(const std::string& topic, std::span<KafkaMessage> messages) {
  std::set<std::string_view> keys;
  std::vector<size_t> firsts;
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string_view key = messages[i].key;
    const bool same = i > 0 && key.data() == messages[i - 1].key.data();  // of one slice
    if (!same && keys.insert(key).second) firsts.push_back(i);
  }
  for (size_t first : firsts) producer_->Produce(topic, messages.subspan(first, 1));
  firsts.push_back(messages.size());
  for (size_t i = 0; i + 1 < firsts.size(); ++i) {
    const size_t begin = firsts[i] + 1;
    producer_->Produce(topic, messages.subspan(begin, firsts[i + 1] - begin));
  }
}

void KafkaTransactions::Await(const Patience& patience, Produced* outcome) {
  const uint64_t blackouts = producer_->blackouts();
  while (outcome->reports > 0 && !patience.over() && producer_->blackouts() == blackouts) {
    const auto reports = producer_->Poll(std::min(patience.left(), kPollWait));
    // What is behind a refusal is not sent, and not reported, before the transaction is aborted.
    if (reports.empty() && !outcome->good()) return;
    for (const KafkaReport& report : reports) {
      --outcome->reports;
      if (report.error == 0) continue;
      if (IsTooLarge(report.error) && report.number != kCursor) {
        outcome->too_large.push_back(report.number);
      } else if (outcome->error == 0 || IsAftermath(outcome->error)) {
        outcome->error = report.error;
      }
    }
  }
  if (outcome->reports > 0 && outcome->good()) outcome->error = kKafkaTimedOut;
}

// A broker refuses a set of records as a whole: it may be one of them, or all together. False when
// smaller sets are to be tried, by another producer.
bool KafkaTransactions::Suspect(const Batch& batch, const std::vector<uint32_t>& too_large) {
  bool known = true;
  for (uint32_t record : too_large) {
    const bool was_alone =
        suspects_.contains(record) ||
        (sets_ == KafkaSets::kSmall && messages_.BytesOf(batch, record) > kKafkaSmallSetBytes);
    if (was_alone) {
      too_large_.insert(record);
    } else if (sets_ == KafkaSets::kSmall) {
      suspects_.insert(record);
    } else {
      known = false;
    }
  }
  if (!known) sets_ = sets_ == KafkaSets::kWhole ? KafkaSets::kLarge : KafkaSets::kSmall;
  return known;
}

Attempt KafkaTransactions::Commit(Batch& batch, const Patience& patience) {
  committing_ = true;
  KafkaStep step;
  do {
    step = producer_->CommitTransaction(std::clamp(patience.left(), Duration{0}, kStepWait));
  } while (step.again && !patience.over());
  if (step.error == 0) {
    committing_ = false;
    committed_.Add();
    for (uint32_t record : PendingOf(batch)) batch.records[record].outcome = Outcome::kAcknowledged;
    const std::lock_guard lock(mutex_);
    gone_.erase(gone_.begin(), gone_.begin() + static_cast<ptrdiff_t>(forgetting_));
    return {};
  }
  Attempt attempt = Failure(step.error, step.text);
  if (patience.stop.stop_requested()) attempt.code = "stopped";
  if (step.again) return attempt;  // it goes on at the next attempt
  if (!step.abort) return Lost(std::move(attempt));
  committing_ = false;
  Abort();
  return producer_ == nullptr ? Lost(std::move(attempt)) : attempt;
}

void KafkaTransactions::Abort() {
  aborted_.Add();
  const KafkaStep step = producer_->AbortTransaction(kAbortWait);
  if (step.error != 0) producer_.reset();
}

// They are dead letters, and on the disk, before a transaction passes them.
Attempt KafkaTransactions::Reject(Batch& batch) {
  for (uint32_t record : too_large_) messages_.Reject(record, &batch);
  Attempt attempt = Failure(kKafkaTooLarge, fmt::format("{} records are too large for their "
                                                        "topic",
                                                        too_large_.size()));
  too_large_.clear();
  return producer_ == nullptr ? Lost(std::move(attempt)) : attempt;
}

void KafkaTransactions::Tidy() {
  if (producer_ != nullptr) producer_->Tend();
}

void KafkaTransactions::Forget(std::vector<std::string> logs) {
  const std::lock_guard lock(mutex_);
  std::move(logs.begin(), logs.end(), std::back_inserter(gone_));
}

}  // namespace hinomi
