// One HTTP conversation after another with a server that was named in the configuration. libcurl
// stays behind this file. Knows nothing of what is asked or answered; it never follows a redirect,
// never uses a proxy of the environment and always verifies whom it talks TLS with.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/socket_source.h"

namespace hinomi {

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::span<const std::string_view>
      body;                              // its parts one after another; must live until the answer
  std::span<const std::string> headers;  // "Name: value", without line ends
  std::string username;                  // basic authentication unless empty
  std::string password;
  std::chrono::milliseconds timeout{
      30000};  // for all of it: resolving, connecting, sending, receiving
};

/// What the server answered, or why it did not.
struct HttpAnswer {
  /// Empty: the server answered. Otherwise one of "resolve", "socket" (there was none to connect
  /// with), "connect", "timeout", "tls", "reset",
  /// "response" (no HTTP, or only part of an answer), "response_too_large", "stopped", "io".
  std::string code;
  std::string error;  // for people, when there is a code: `cannot connect to "http://…": …`
  int status = 0;
  std::string body;
  std::string location;  // of a redirect, absolute
  std::optional<std::chrono::seconds> retry_after;
};

struct HttpClientOptions {
  std::string peer;     // what is expected at the other end, for error messages: "Elasticsearch"
  std::string ca_file;  // PEM; empty: the system's
  std::string certificate_file = {};  // PEM, of a client certificate; empty: none
  std::string key_file = {};          // its key
  /// The one public key that the server may have: base64 of the SHA-256 of its DER form. Without a
  /// ca_file beside it nothing else counts: not who signed it, nor its name.
  std::string public_key_sha256;
  size_t answer_bytes_max = 16 << 20;
  SocketSource* sockets = nullptr;  // must outlive the client; null: the system's
};

/// Keeps its connections open from request to request. One thread at a time.
class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Blocks until the answer is complete, `request.timeout` has passed or `stop` is requested. The
  /// process must ignore SIGPIPE.
  HttpAnswer Send(const HttpRequest& request, const std::stop_token& stop);

  /// Closes the connections that are kept, and reads the files of certificates anew: libcurl holds
  /// authorities for a day, and a connection lives on with whom it was made for.
  void Forget();

 private:
  struct Handles;
  HttpClientOptions options_;
  std::unique_ptr<Handles> handles_;
};

/// Scheme, host and port of `url`, as an operator knows the server; no user name, no password.
std::string OriginOf(std::string_view url);

/// `text` as one segment of a URL's path.
std::string UrlEncoded(const std::string& text);

}  // namespace hinomi
