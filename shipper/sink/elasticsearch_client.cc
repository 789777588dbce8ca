#include "shipper/sink/elasticsearch_client.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "base/secret.h"
#include "shipper/sink/bulk_response.h"

namespace hinomi {

namespace {

using std::chrono::milliseconds;

constexpr Duration kAvoidance = std::chrono::seconds(30);
constexpr std::chrono::seconds kRetryAfterMax = std::chrono::minutes(10);

std::string WithoutTrailingSlash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

/// A server that somebody else's answer stands in for: a proxy says that it is not there.
bool IsUnavailable(int status) { return status == 502 || status == 503 || status == 504; }

std::string Remedy(int status, const HttpAnswer& answer) {
  if (status >= 300 && status < 400) {
    return fmt::format("it redirects to \"{}\"; name that address in `endpoints`",
                       OriginOf(answer.location));
  }
  if (status == 400 && answer.body.find("SSL certificate") != std::string::npos) {
    return "it wants a client certificate; check `certificate_file` and `key_file`";
  }
  if (status == 401) return "check `username` and `password_file`, `api_key_file`, or `token_file`";
  if (status == 403)
    return "grant this user the privilege, or remove the block, that the reason names";
  if (status == 429) return "the cluster is overloaded";
  return {};
}

}  // namespace

Endpoints::Endpoints(const std::vector<std::string>& urls, const Clock& clock)
    : clock_(clock), avoid_until_(urls.size()) {
  CHECK(!urls.empty());
  for (const std::string& url : urls) urls_.push_back(WithoutTrailingSlash(url));
  for (auto& until : avoid_until_) until = Duration::min().count();
}

size_t Endpoints::Choose(size_t preferred) const {
  const Duration::rep now = clock_.Monotonic().count();
  for (size_t step = 0; step < urls_.size(); ++step) {
    const size_t index = (preferred + step) % urls_.size();
    if (avoid_until_[index] <= now) return index;
  }
  return preferred % urls_.size();
}

void Endpoints::MarkFailed(size_t index) {
  avoid_until_[index] = (clock_.Monotonic() + kAvoidance).count();
}

void Endpoints::MarkGood(size_t index) { avoid_until_[index] = Duration::min().count(); }

ElasticsearchClient::ElasticsearchClient(const Environment& environment, size_t lane)
    : environment_(environment),
      http_({.peer = "Elasticsearch",
             .ca_file = environment.config.ca_file,
             .certificate_file = environment.config.certificate_file,
             .key_file = environment.config.key_file,
             .public_key_sha256 = "",
             .sockets = environment.egress}),
      certificates_(environment.files,
                    {environment.config.ca_file, environment.config.certificate_file,
                     environment.config.key_file}),
      endpoint_(lane) {}

Attempt ElasticsearchClient::Begin(const std::stop_token& stop) {
  const ElasticsearchConfig& config = environment_.config;
  stop_ = stop;
  deadline_ = environment_.clock.Monotonic() + config.timeout;
  endpoint_ = environment_.endpoints.Choose(endpoint_);
  if (certificates_.Changed()) http_.Forget();
  authorization_.clear();
  password_.clear();
  // Read every time: a rotated secret is picked up without a restart, and the file is small.
  const std::string& path = !config.api_key_file.empty() ? config.api_key_file
                            : !config.token_file.empty() ? config.token_file
                                                         : config.password_file;
  if (path.empty()) return {};
  const auto secret = ReadSecret(environment_.files, path);
  if (!secret) return {.error = secret.error().message, .code = "secret", .retry_after = {}};
  if (path == config.password_file) {
    password_ = *secret;
  } else {
    authorization_ = fmt::format("Authorization: {} {}",
                                 config.token_file.empty() ? "ApiKey" : "Bearer", *secret);
  }
  return {};
}

ElasticsearchReply ElasticsearchClient::Ask(const ElasticsearchRequest& request) {
  if (environment_.egress != nullptr) {
    uint64_t bytes = 0;
    for (std::string_view part : request.body) bytes += part.size();
    deadline_ += environment_.egress->TimeFor(bytes, environment_.config.requests_max);
  }
  const Duration left = deadline_ - environment_.clock.Monotonic();
  if (left <= Duration::zero()) {
    return {.failure = {
                .error = fmt::format("cannot send all to \"{}\": `timeout` has passed", endpoint()),
                .code = "timeout",
                .retry_after = {}}};
  }
  std::vector<std::string> headers;
  if (!request.body.empty()) headers.push_back("Content-Type: " + request.content_type);
  if (!request.encoding.empty()) {
    headers.push_back(fmt::format("Content-Encoding: {}", request.encoding));
  }
  if (!authorization_.empty()) headers.push_back(authorization_);
  HttpAnswer answer =
      http_.Send({.method = request.method,
                  .url = environment_.endpoints.Url(endpoint_) + request.path,
                  .body = request.body,
                  .headers = headers,
                  .username = authorization_.empty() ? environment_.config.username : "",
                  .password = password_,
                  .timeout = std::chrono::ceil<milliseconds>(left)},
                 stop_);
  ElasticsearchReply reply;
  if (answer.code != "stopped") {
    const bool failed = !answer.code.empty() || IsUnavailable(answer.status);
    failed ? environment_.endpoints.MarkFailed(endpoint_)
           : environment_.endpoints.MarkGood(endpoint_);
  }
  reply.failure = FailureOf(answer);
  reply.status = answer.status;
  reply.body = std::move(answer.body);
  return reply;
}

Attempt ElasticsearchClient::FailureOf(const HttpAnswer& answer) const {
  if (!answer.code.empty()) return {.error = answer.error, .code = answer.code, .retry_after = {}};
  if (answer.status >= 200 && answer.status < 300) return {};
  Attempt failure;
  failure.code = std::to_string(answer.status);
  failure.error = fmt::format("cannot send to \"{}\": {}", endpoint(), answer.status);
  const std::string reason = ErrorReason(answer.body);
  if (!reason.empty()) failure.error += ", " + reason;
  const std::string remedy = Remedy(answer.status, answer);
  if (!remedy.empty()) failure.error += "; " + remedy;
  if (answer.retry_after) failure.retry_after = std::min(*answer.retry_after, kRetryAfterMax);
  return failure;
}

}  // namespace hinomi
