// Asks an Elasticsearch or OpenSearch cluster one thing at a time: chooses the endpoint, proves who
// we are, and turns every way of failing into an Attempt. Below it is HttpClient, above it setup
// and delivery. Knows nothing of batches.
#pragma once

#include <atomic>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_stamps.h"
#include "base/filesystem.h"
#include "base/http_client.h"
#include "config/config.h"
#include "shipper/egress.h"
#include "shipper/sink.h"

namespace hinomi {

/// A sink's endpoints and which of them failed a short while ago. Shared by its lanes; any thread.
class Endpoints {
 public:
  /// `urls` must not be empty.
  Endpoints(const std::vector<std::string>& urls, const Clock& clock);

  /// The first one from `preferred` on that did not fail within the last half minute; `preferred`
  /// if all did. Indices are taken modulo the number of endpoints.
  size_t Choose(size_t preferred) const;
  void MarkFailed(size_t index);
  void MarkGood(size_t index);
  const std::string& Url(size_t index) const { return urls_[index]; }

 private:
  std::vector<std::string> urls_;  // without a trailing slash
  const Clock& clock_;
  std::vector<std::atomic<Duration::rep>> avoid_until_;
};

struct ElasticsearchRequest {
  std::string method = "GET";
  std::string path = {};  // with its leading slash, encoded
  std::span<const std::string_view> body = {};
  std::string content_type = "application/json";
  std::string_view encoding = {};  // of the body: "gzip", "zstd", or empty
};

struct ElasticsearchReply {
  int status = 0;  // 0: no answer
  std::string body = {};
  Attempt failure = {};  // its error is empty only for a status of 200 to 299
};

/// One per lane; one thread at a time.
class ElasticsearchClient {
 public:
  struct Environment {
    const ElasticsearchConfig& config;
    Endpoints& endpoints;
    FileSystem& files;  // holds the secrets
    const Clock& clock;
    SinkEgress* egress = nullptr;  // null: as the system has it
  };
  ElasticsearchClient(const Environment& environment, size_t lane);

  /// Starts an attempt, which ends when config.timeout has passed: chooses the endpoint and reads
  /// the secrets anew, and certificates when their files have changed. An error (code "secret")
  /// means that nothing can be asked.
  Attempt Begin(const std::stop_token& stop);

  /// Within an attempt. The time left bounds the wait; what the limit of egress takes for the body
  /// is added to it.
  ElasticsearchReply Ask(const ElasticsearchRequest& request);

  /// The endpoint of this attempt, for messages.
  std::string endpoint() const { return OriginOf(environment_.endpoints.Url(endpoint_)); }

 private:
  Attempt FailureOf(const HttpAnswer& answer) const;

  Environment environment_;
  HttpClient http_;
  FileStamps certificates_;
  size_t endpoint_;
  Duration deadline_{0};
  std::stop_token stop_;
  std::string authorization_;  // a header, or empty
  std::string password_;
};

}  // namespace hinomi
