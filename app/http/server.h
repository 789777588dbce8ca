// The agent's HTTP server. civetweb stays behind this file.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"

namespace hinomi {

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

/// Serves GET on fixed paths until destroyed.
class HttpServer {
 public:
  using Handlers = std::map<std::string, std::function<HttpResponse()>>;

  /// `listen` is host:port or :port; port 0 takes a free one. Handlers run on the server's threads,
  /// several at once. Errors: io, when the address cannot be bound.
  static Result<std::unique_ptr<HttpServer>> Start(const std::string& listen, Handlers handlers);
  virtual ~HttpServer() = default;

  /// http://host:port with the port that was really taken.
  virtual std::string address() const = 0;
};

}  // namespace hinomi
