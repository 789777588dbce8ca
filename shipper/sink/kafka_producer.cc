#include "shipper/sink/kafka_producer.h"

#include <fmt/core.h>
#include <librdkafka/rdkafka.h>

#include <array>
#include <iterator>
#include <map>

#include "base/check.h"
#include "base/logging.h"
#include "shipper/sink/kafka_error.h"
#include "shipper/sink/kafka_library.h"

namespace hinomi {
namespace {

using ErrorText = std::array<char, 512>;

int Milliseconds(Duration wait) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
}

// Takes the error.
KafkaStep StepOf(rd_kafka_error_t* error) {
  if (error == nullptr) return {};
  KafkaStep step{.error = rd_kafka_error_code(error),
                 .text = rd_kafka_error_string(error),
                 .again = rd_kafka_error_is_retriable(error) != 0,
                 .abort = rd_kafka_error_txn_requires_abort(error) != 0};
  rd_kafka_error_destroy(error);
  return step;
}

rd_kafka_headers_t* HeadersOf(const KafkaHeaders& headers) {
  rd_kafka_headers_t* const made = rd_kafka_headers_new(headers.size());
  for (const auto& [name, value] : headers) {
    rd_kafka_header_add(made, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  return made;
}

rd_kafka_vu_t Argument(rd_kafka_vtype_t type) {
  rd_kafka_vu_t argument;
  argument.vtype = type;
  return argument;
}

// Batches know no headers, and take no payload over message by message. A copy of a list of headers
// that is made once per log costs least, and so does the topic's handle.
void ProduceSingly(rd_kafka_t* kafka, rd_kafka_topic_t* topic, std::span<KafkaMessage> messages) {
  rd_kafka_vu_t arguments[] = {Argument(RD_KAFKA_VTYPE_RKT),    Argument(RD_KAFKA_VTYPE_MSGFLAGS),
                               Argument(RD_KAFKA_VTYPE_VALUE),  Argument(RD_KAFKA_VTYPE_KEY),
                               Argument(RD_KAFKA_VTYPE_OPAQUE), Argument(RD_KAFKA_VTYPE_HEADERS)};
  auto& [rkt, flags, value, key, opaque, headers] = arguments;
  rkt.u.rkt = topic;
  const KafkaHeaders* shared = nullptr;
  rd_kafka_headers_t* original = nullptr;
  for (KafkaMessage& message : messages) {
    if (message.headers != shared) {
      if (original != nullptr) rd_kafka_headers_destroy(original);
      shared = message.headers;
      original = HeadersOf(*shared);
    }
    flags.u.i = message.own == nullptr ? RD_KAFKA_MSG_F_COPY : RD_KAFKA_MSG_F_FREE;
    value.u.mem = {const_cast<char*>(message.payload.data()), message.payload.size()};
    key.u.mem = {const_cast<char*>(message.key.data()), message.key.size()};
    opaque.u.ptr = reinterpret_cast<void*>(static_cast<uintptr_t>(message.number));
    headers.u.headers = original == nullptr ? nullptr : rd_kafka_headers_copy(original);
    const size_t count = std::size(arguments) - (original == nullptr ? 1 : 0);
    rd_kafka_error_t* const error = rd_kafka_produceva(kafka, arguments, count);
    if (error == nullptr) {
      static_cast<void>(message.own.release());  // the library frees it
      continue;
    }
    // It takes payload and headers with the message alone.
    message.error = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    if (original != nullptr) rd_kafka_headers_destroy(headers.u.headers);
  }
  if (original != nullptr) rd_kafka_headers_destroy(original);
}

}  // namespace

struct KafkaProducer::Handle {
  std::string sink_name;
  std::shared_ptr<KafkaStatistics> statistics;
  std::shared_ptr<SinkEgress> egress;
  std::vector<KafkaReport> reports;
  std::vector<KafkaReport> polled;
  KafkaTrouble trouble;
  uint64_t blackouts = 0;
  rd_kafka_t* kafka = nullptr;
  std::map<std::string, rd_kafka_topic_t*> topics;
  std::vector<rd_kafka_message_t> messages;  // reused

  static Handle& Of(void* opaque) { return *static_cast<Handle*>(opaque); }
  static void OnReport(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    Handle& handle = Of(opaque);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) handle.trouble = {};
    handle.reports.push_back(
        {static_cast<uint32_t>(reinterpret_cast<uintptr_t>(message->_private)), message->err});
  }
  static void OnError(rd_kafka_t*, int error, const char* reason, void* opaque) {
    Handle& handle = Of(opaque);
    error = KafkaCauseOf(error, reason);
    const bool hopeless = KafkaErrorOf(error).hopeless;
    if (hopeless) ++handle.blackouts;
    // That all brokers are down says less than why the last one is.
    const bool vague = error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    const bool milder = !hopeless && KafkaErrorOf(handle.trouble.error).hopeless;
    if (handle.trouble.error == 0 || (!vague && !milder)) handle.trouble = {error, reason};
  }
  // From any of the library's threads. What matters of it reaches OnError or a report too.
  static void OnLog(const rd_kafka_t* kafka, int, const char* facility, const char* text) {
    log::Debug("sink \"{}\": librdkafka: {}: {}", Of(rd_kafka_opaque(kafka)).sink_name, facility,
               text);
  }
  static int OnStatistics(rd_kafka_t*, char* json, size_t size, void* opaque) {
    const auto& statistics = Of(opaque).statistics;
    if (statistics != nullptr) statistics->Take({json, size});
    return 0;  // the text stays the library's
  }
};

KafkaProducer::KafkaProducer(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::Make(Options options) {
  Result<KafkaConf> conf = KafkaConfOf(options.properties);
  if (!conf) return conf.error();
  auto handle = std::make_unique<Handle>();
  handle->sink_name = std::move(options.sink_name);
  handle->statistics = std::move(options.statistics);
  handle->egress = std::move(options.egress);
  if (handle->statistics != nullptr) handle->statistics->Begin();
  rd_kafka_conf_set_opaque(conf->get(), handle.get());
  rd_kafka_conf_set_dr_msg_cb(conf->get(), &Handle::OnReport);
  rd_kafka_conf_set_error_cb(conf->get(), &Handle::OnError);
  rd_kafka_conf_set_log_cb(conf->get(), &Handle::OnLog);
  rd_kafka_conf_set_stats_cb(conf->get(), &Handle::OnStatistics);
  UseEgress(conf->get(), *handle);
  const Result<rd_kafka_t*> kafka = NewKafka(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!kafka) return kafka.error();
  handle->kafka = *kafka;
  return std::unique_ptr<KafkaProducer>(new KafkaProducer(std::move(handle)));
}

std::vector<std::pair<std::string, std::string>> KafkaProducer::Check(const KafkaConfig& config) {
  std::vector<std::pair<std::string, std::string>> problems;
  const KafkaConf conf(rd_kafka_conf_new());
  for (const auto& [name, value] : config.settings) {
    std::string problem = SetKafka(conf.get(), name, value);
    if (!problem.empty()) problems.emplace_back(name, std::move(problem));
  }
  if (!problems.empty()) return problems;
  // Some values do not fit together, which only a producer finds out. It needs no broker for that.
  KafkaConfig alone;
  alone.settings = config.settings;
  const auto made =
      Make({.sink_name = "check", .properties = KafkaPropertiesOf(alone, {}, KafkaSets::kWhole)});
  if (!made) problems.emplace_back("", made.error().message);
  return problems;
}

KafkaProducer::~KafkaProducer() {
  for (const auto& [name, topic] : handle_->topics) rd_kafka_topic_destroy(topic);
  rd_kafka_purge(handle_->kafka, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                     RD_KAFKA_PURGE_F_NON_BLOCKING);
  rd_kafka_t* const kafka = handle_->kafka;
  EndKafka(kafka, [handle = std::shared_ptr<Handle>(std::move(handle_))]() mutable {
    handle.reset();  // what it uses lives until then
  });
}

void KafkaProducer::Produce(const std::string& topic, std::span<KafkaMessage> messages,
                            std::optional<int32_t> partition) {
  rd_kafka_topic_t*& target = handle_->topics[topic];
  if (target == nullptr) target = rd_kafka_topic_new(handle_->kafka, topic.c_str(), nullptr);
  CHECK(target != nullptr);
  if (messages.empty()) return;
  if (messages.front().headers != nullptr || messages.front().own != nullptr) {
    ProduceSingly(handle_->kafka, target, messages);
    return;
  }
  std::vector<rd_kafka_message_t>& out = handle_->messages;
  out.assign(messages.size(), {});
  for (size_t i = 0; i < messages.size(); ++i) {
    // The library copies. Nothing, as opposed to an empty text, takes the key away.
    out[i].payload = const_cast<char*>(messages[i].payload.data());
    out[i].len = messages[i].payload.size();
    out[i].key = const_cast<char*>(messages[i].key.data());
    out[i].key_len = messages[i].key.size();
    out[i]._private = reinterpret_cast<void*>(static_cast<uintptr_t>(messages[i].number));
  }
  rd_kafka_produce_batch(target, partition.value_or(RD_KAFKA_PARTITION_UA), RD_KAFKA_MSG_F_COPY,
                         out.data(), static_cast<int>(out.size()));
  for (size_t i = 0; i < messages.size(); ++i) messages[i].error = out[i].err;
}

std::span<const KafkaReport> KafkaProducer::Poll(Duration wait) {
  if (!handle_->reports.empty()) wait = Duration{0};
  rd_kafka_poll(handle_->kafka, Milliseconds(wait));
  handle_->polled.clear();
  std::swap(handle_->polled, handle_->reports);
  return handle_->polled;
}

void KafkaProducer::Tend() { rd_kafka_poll(handle_->kafka, 0); }

KafkaStep KafkaProducer::InitTransactions(Duration wait) {
  return StepOf(rd_kafka_init_transactions(handle_->kafka, Milliseconds(wait)));
}
KafkaStep KafkaProducer::BeginTransaction() {
  return StepOf(rd_kafka_begin_transaction(handle_->kafka));
}
KafkaStep KafkaProducer::CommitTransaction(Duration wait) {
  return StepOf(rd_kafka_commit_transaction(handle_->kafka, Milliseconds(wait)));
}
KafkaStep KafkaProducer::AbortTransaction(Duration wait) {
  KafkaStep step = StepOf(rd_kafka_abort_transaction(handle_->kafka, Milliseconds(wait)));
  handle_->reports.clear();  // of what it has let go of
  return step;
}

bool KafkaProducer::Answered(Duration wait) {
  const struct rd_kafka_metadata* answer = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(
      handle_->kafka, /*all_topics=*/0, /*only_rkt=*/nullptr, &answer, Milliseconds(wait));
  rd_kafka_metadata_destroy(answer);
  return error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void KafkaProducer::Purge() { rd_kafka_purge(handle_->kafka, RD_KAFKA_PURGE_F_QUEUE); }

void KafkaProducer::SetPassword(const std::string& username, const std::string& password) {
  rd_kafka_error_t* const error =
      rd_kafka_sasl_set_credentials(handle_->kafka, username.c_str(), password.c_str());
  CHECK(error == nullptr);  // it refuses only what is no text
}

const KafkaTrouble& KafkaProducer::trouble() const { return handle_->trouble; }
uint64_t KafkaProducer::blackouts() const { return handle_->blackouts; }
rd_kafka_t* KafkaProducer::native() const { return handle_->kafka; }
size_t KafkaProducer::topics() const { return handle_->topics.size(); }

int KafkaProducer::fatal_error() const { return rd_kafka_fatal_error(handle_->kafka, nullptr, 0); }

std::string KafkaProducer::Fatal() const {
  ErrorText text = {};
  const bool fatal =
      rd_kafka_fatal_error(handle_->kafka, text.data(), text.size()) != RD_KAFKA_RESP_ERR_NO_ERROR;
  return fatal ? text.data() : "";
}

}  // namespace hinomi
