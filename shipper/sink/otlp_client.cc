#include "shipper/sink/otlp_client.h"

#include <fmt/core.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <proto/otlp.pb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <mutex>
#include <numeric>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/secret.h"
#include "shipper/sink/otlp_socket.h"

namespace hinomi {
namespace {

namespace otlp = ::opentelemetry::proto::collector::logs::v1;

constexpr std::string_view kMethod = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr uint64_t kPemBytesMax = 1 << 20;
constexpr int kReconnectMillisecondsMin = 250;
constexpr int kReconnectMillisecondsMax = 5000;

/// The library would write to standard error in a form of its own; what counts is in the statuses.
void SilenceLibrary() {
  static std::once_flag once;
  std::call_once(once, [] { gpr_set_log_function([](gpr_log_func_args*) {}); });
}

/// By status.
constexpr std::array<const char*, 17> kCodes = {
    "ok",        "cancelled",      "unknown",           "invalid_argument",   "deadline_exceeded",
    "not_found", "already_exists", "permission_denied", "resource_exhausted", "failed_precondition",
    "aborted",   "out_of_range",   "unimplemented",     "internal",           "unavailable",
    "data_loss", "unauthenticated"};

std::string CodeOf(grpc_status_code status) {
  const auto index = static_cast<size_t>(status);
  return index < kCodes.size() ? kCodes[index] : "unknown";
}

std::string_view RemedyOf(grpc_status_code status) {
  switch (status) {
    case GRPC_STATUS_UNAVAILABLE:
      return "; does a collector listen there, and do both sides use TLS or neither?";
    case GRPC_STATUS_UNIMPLEMENTED:
    case GRPC_STATUS_NOT_FOUND:
      return "; does it take logs by OTLP?";
    case GRPC_STATUS_UNAUTHENTICATED:
    case GRPC_STATUS_PERMISSION_DENIED:
      return "; check headers, header_files and certificate_file";
    default:
      return "";
  }
}

std::string_view ViewOf(const grpc_slice& slice) {
  return {reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice)), GRPC_SLICE_LENGTH(slice)};
}

grpc_slice Copied(std::string_view text) {
  return grpc_slice_from_copied_buffer(text.data(), text.size());
}

/// The servers of Go, C++ and Java tell this by the same status as a quota that is used up.
bool SaysTooLarge(std::string_view message) {
  return message.find("larger than max") != std::string_view::npos ||
         message.find("exceeds maximum size") != std::string_view::npos;
}

size_t SizeOf(std::span<const std::string_view> parts) {
  return std::accumulate(parts.begin(), parts.end(), size_t{0},
                         [](size_t sum, std::string_view part) { return sum + part.size(); });
}

/// One call and all that it is answered with.
class Call {
 public:
  Call(grpc_call* call, grpc_completion_queue* queue) : call_(call), queue_(queue) {
    grpc_metadata_array_init(&headers_);
    grpc_metadata_array_init(&trailers_);
  }
  ~Call() {
    for (grpc_metadata& pair : sent_) {
      grpc_slice_unref(pair.key);
      grpc_slice_unref(pair.value);
    }
    if (request_ != nullptr) grpc_byte_buffer_destroy(request_);
    if (response_ != nullptr) grpc_byte_buffer_destroy(response_);
    grpc_slice_unref(message_);
    grpc_metadata_array_destroy(&headers_);
    grpc_metadata_array_destroy(&trailers_);
    grpc_call_unref(call_);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void AddHeader(std::string_view name, std::string_view value) {
    sent_.push_back({Copied(name), Copied(value), {}});
  }

  void Run(std::span<const std::string_view> parts, bool gzip, const std::stop_token& stop) {
    if (gzip) AddHeader(GRPC_COMPRESSION_REQUEST_ALGORITHM_MD_KEY, "gzip");
    grpc_slice slice = grpc_slice_malloc(SizeOf(parts));
    uint8_t* out = GRPC_SLICE_START_PTR(slice);
    for (std::string_view part : parts) {
      std::memcpy(out, part.data(), part.size());
      out += part.size();
    }
    request_ = grpc_raw_compressed_byte_buffer_create(
        &slice, 1, gzip ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_NONE);
    grpc_slice_unref(slice);
    std::array<grpc_op, 6> ops{};
    ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[0].data.send_initial_metadata.count = sent_.size();
    ops[0].data.send_initial_metadata.metadata = sent_.data();
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = request_;
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &headers_;
    ops[4].op = GRPC_OP_RECV_MESSAGE;
    ops[4].data.recv_message.recv_message = &response_;
    ops[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    ops[5].data.recv_status_on_client = {&trailers_, &status_, &message_, nullptr};
    CHECK(grpc_call_start_batch(call_, ops.data(), ops.size(), this, nullptr) == GRPC_CALL_OK);
    const std::stop_callback cancel(stop, [this] { grpc_call_cancel(call_, nullptr); });
    grpc_completion_queue_pluck(queue_, this, gpr_inf_future(GPR_CLOCK_MONOTONIC), nullptr);
  }

  grpc_status_code status() const { return status_; }
  std::string_view message() const { return ViewOf(message_); }
  std::string_view Trailer(std::string_view name) const {
    for (size_t i = 0; i < trailers_.count; ++i) {
      if (ViewOf(trailers_.metadata[i].key) == name) return ViewOf(trailers_.metadata[i].value);
    }
    return {};
  }
  std::string Response() const {
    std::string response;
    grpc_byte_buffer_reader reader;
    if (response_ == nullptr || grpc_byte_buffer_reader_init(&reader, response_) == 0) return "";
    const grpc_slice whole = grpc_byte_buffer_reader_readall(&reader);
    response = ViewOf(whole);
    grpc_slice_unref(whole);
    grpc_byte_buffer_reader_destroy(&reader);
    return response;
  }

 private:
  grpc_call* const call_;
  grpc_completion_queue* const queue_;
  std::vector<grpc_metadata> sent_;
  grpc_byte_buffer* request_ = nullptr;
  grpc_metadata_array headers_, trailers_;
  grpc_byte_buffer* response_ = nullptr;
  grpc_status_code status_ = GRPC_STATUS_UNKNOWN;
  grpc_slice message_ = grpc_empty_slice();
};

/// How long the server wants to be left alone: by its pushback, or by google.rpc.RetryInfo in the
/// details of the error.
std::optional<Duration> DelayOf(const Call& call) {
  const std::string_view pushback = call.Trailer("grpc-retry-pushback-ms");
  uint32_t milliseconds = 0;
  if (std::from_chars(pushback.data(), pushback.data() + pushback.size(), milliseconds).ec ==
      std::errc()) {
    return std::chrono::milliseconds(milliseconds);
  }
  otlp::Status status;
  if (!status.ParseFromString(std::string(call.Trailer("grpc-status-details-bin")))) return {};
  for (const otlp::StatusDetail& detail : status.details()) {
    otlp::RetryInfo info;
    if (!detail.type_url().ends_with("/google.rpc.RetryInfo")) continue;
    if (!info.ParseFromString(detail.value())) continue;
    constexpr int64_t kSecondsMax = 3600;
    return std::chrono::seconds(std::clamp<int64_t>(info.retry_delay().seconds(), 0, kSecondsMax)) +
           std::chrono::nanoseconds(std::max(0, info.retry_delay().nanos()));
  }
  return {};
}

OtlpReply TakenReply(const Call& call) {
  OtlpReply reply;
  otlp::ExportLogsServiceResponse response;
  if (!response.ParseFromString(call.Response())) {
    reply.failure = {"its answer is not one of OTLP", "response", {}};
    return reply;
  }
  const int64_t refused = response.partial_success().rejected_log_records();
  reply.verdict = OtlpVerdict::kTaken;
  reply.refused = refused > 0 ? static_cast<uint64_t>(refused) : 0;
  reply.reason = response.partial_success().error_message();
  return reply;
}

OtlpReply FailedReply(const Call& call) {
  OtlpReply reply;
  const grpc_status_code status = call.status();
  reply.reason = call.message();
  reply.failure = {fmt::format("{}: {}{}", CodeOf(status), reply.reason, RemedyOf(status)),
                   CodeOf(status), DelayOf(call)};
  if (status == GRPC_STATUS_INVALID_ARGUMENT) reply.verdict = OtlpVerdict::kRefused;
  if (status == GRPC_STATUS_RESOURCE_EXHAUSTED && SaysTooLarge(reply.reason)) {
    reply.verdict = OtlpVerdict::kTooLarge;
  }
  return reply;
}

}  // namespace

struct OtlpClient::Secrets {
  std::string ca, certificate, key;
  std::vector<std::pair<std::string, std::string>> headers;

  bool SameConnection(const Secrets& other) const {
    return ca == other.ca && certificate == other.certificate && key == other.key;
  }
};

struct OtlpClient::Connection {
  Secrets secrets;
  grpc_channel* channel = nullptr;
  grpc_completion_queue* queue = grpc_completion_queue_create_for_pluck(nullptr);

  Connection(const OtlpConfig& config, Secrets with, const std::shared_ptr<SinkEgress>& egress)
      : secrets(std::move(with)) {
    grpc_ssl_pem_key_cert_pair pair{secrets.key.c_str(), secrets.certificate.c_str()};
    grpc_channel_credentials* const credentials =
        config.tls ? grpc_ssl_credentials_create_ex(
                         secrets.ca.empty() ? nullptr : secrets.ca.c_str(),
                         secrets.key.empty() ? nullptr : &pair, nullptr, nullptr)
                   : grpc_insecure_credentials_create();
    const auto number = [](const char* name, int value) {
      grpc_arg arg{GRPC_ARG_INTEGER, const_cast<char*>(name), {}};
      arg.value.integer = value;
      return arg;
    };
    std::vector<grpc_arg> list = {
        number(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        // Else a new channel would inherit how long the last one waits before it connects again.
        number(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
        number(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMillisecondsMin),
        number(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMillisecondsMax),
        // Who tries again, and how often that was, is Delivery's.
        number(GRPC_ARG_ENABLE_RETRIES, 0)};
    const std::unique_ptr<grpc_socket_mutator, MutatorDeleter> mutator(
        egress == nullptr ? nullptr : MutatorOf(egress));
    if (mutator != nullptr) list.push_back(grpc_socket_mutator_to_arg(mutator.get()));
    const grpc_channel_args args{list.size(), list.data()};
    channel = grpc_channel_create(("dns:///" + config.endpoint).c_str(), credentials, &args);
    grpc_channel_credentials_release(credentials);
  }
  ~Connection() {
    grpc_channel_destroy(channel);
    grpc_completion_queue_shutdown(queue);
    grpc_completion_queue_destroy(queue);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
};

OtlpClient::OtlpClient(const OtlpConfig& config, FileSystem& files,
                       std::shared_ptr<SinkEgress> egress)
    : config_(config), files_(files), egress_(std::move(egress)) {
  SilenceLibrary();
  grpc_init();
}

OtlpClient::~OtlpClient() {
  connection_.reset();
  grpc_shutdown();
}

Result<OtlpClient::Secrets> OtlpClient::ReadSecrets() const {
  Secrets secrets;
  const std::pair<const std::string&, std::string&> kFiles[] = {
      {config_.ca_file, secrets.ca},
      {config_.certificate_file, secrets.certificate},
      {config_.key_file, secrets.key}};
  for (const auto& [path, content] : kFiles) {
    if (path.empty()) continue;
    auto read = files_.ReadWhole(path, kPemBytesMax);
    if (!read) return read.error();
    content = std::move(*read);
  }
  secrets.headers.assign(config_.headers.begin(), config_.headers.end());
  for (const auto& [name, path] : config_.header_files) {
    auto value = ReadSecret(files_, path);
    if (!value) return value.error();
    secrets.headers.emplace_back(name, std::move(*value));
  }
  for (const auto& [name, value] : secrets.headers) {
    const grpc_slice slice = grpc_slice_from_static_buffer(value.data(), value.size());
    if (grpc_header_nonbin_value_is_legal(slice) != 0) continue;
    return Error{
        ErrorKind::kConfig,
        fmt::format("cannot send the header \"{}\": its value is not printable ASCII", name)};
  }
  return secrets;
}

Duration OtlpClient::TimeoutOf(std::span<const std::string_view> request) const {
  if (egress_ == nullptr) return config_.timeout;
  return config_.timeout + egress_->TimeFor(SizeOf(request), config_.requests_max);
}

OtlpReply OtlpClient::Export(std::span<const std::string_view> request, bool gzip,
                             const std::stop_token& stop) {
  const auto secrets = ReadSecrets();
  if (!secrets) {
    OtlpReply reply;
    reply.failure = {.error = secrets.error().message, .code = "secret", .retry_after = {}};
    return reply;
  }
  if (connection_ == nullptr || !connection_->secrets.SameConnection(*secrets)) {
    connection_ = std::make_unique<Connection>(config_, *secrets, egress_);
  }
  // Not a time of day: those jump.
  const gpr_timespec deadline = gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(TimeoutOf(request).count(), GPR_TIMESPAN));
  const grpc_slice method = grpc_slice_from_static_buffer(kMethod.data(), kMethod.size());
  OtlpReply reply;
  {
    Call call(grpc_channel_create_call(connection_->channel, nullptr, GRPC_PROPAGATE_DEFAULTS,
                                       connection_->queue, method, nullptr, deadline, nullptr),
              connection_->queue);
    for (const auto& [name, value] : secrets->headers) call.AddHeader(name, value);
    call.Run(request, gzip, stop);
    reply = call.status() == GRPC_STATUS_OK ? TakenReply(call) : FailedReply(call);
  }
  if (reply.failure.code.empty()) return reply;
  // Behind a deadline, nobody may be there any more at the other end of the connection.
  if (reply.failure.code == "deadline_exceeded") connection_.reset();
  if (egress_ != nullptr && !egress_->problem().empty() && reply.failure.code == "unavailable") {
    reply.failure = {egress_->problem(), "socket", {}};
  }
  if (stop.stop_requested()) reply.failure = {"the agent is stopping", "stopped", {}};
  reply.failure.error =
      fmt::format("cannot send to \"{}\": {}", config_.endpoint, reply.failure.error);
  return reply;
}

}  // namespace hinomi
