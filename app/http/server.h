// The agent's HTTP server: GET on fixed paths, and streams of server-sent events. civetweb stays
// behind this file. Who may see what is decided in app/http/access.h.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"

namespace hinomi {

struct IncomingRequest {
  std::string host;           // as the client named this server, with the port; empty if it did not
  std::string authorization;  // of that header; empty without one
  std::string peer;           // numeric address
  std::string accept = {};    // of those headers; empty without one
  std::string accept_encoding = {};
  std::map<std::string, std::string> parameters = {};  // behind the ?, decoded; the first of a name
};

struct HttpResponse {
  /// The next bytes of a stream: waits for them until `stop` is requested. None ends the stream.
  using Stream = std::function<std::optional<std::string>(const std::stop_token& stop)>;

  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = "";
  std::vector<std::pair<std::string, std::string>> headers = {};  // further ones
  Stream stream = nullptr;  // follows the body, on the server's thread, until its client has gone
};

/// Serves until destroyed; streams end then.
class HttpServer {
 public:
  using Handlers = std::map<std::string, std::function<HttpResponse(const IncomingRequest&)>>;

  /// At the same time; one more gets 503. There are threads enough beside theirs.
  static constexpr int kStreamsMax = 8;

  struct Options {
    std::string listen;  // host:port or :port; port 0 takes a free one
    /// A client that neither says nor reads anything for so long is cut off.
    std::chrono::milliseconds patience = std::chrono::seconds(5);
  };

  /// Handlers run on the server's threads, several at once. Errors: io, when the address cannot be
  /// bound.
  /// Metrics: hinomi_http_streams, hinomi_http_streams_refused_total.
  static Result<std::unique_ptr<HttpServer>> Start(const Options& options, Handlers handlers,
                                                   Metrics& metrics);
  virtual ~HttpServer() = default;

  /// http://host:port with the port that was really taken.
  virtual std::string address() const = 0;
};

}  // namespace hinomi
