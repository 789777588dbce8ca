// A server for tests that says and does what no real one can be asked for: half answers, resets,
// silence, garbage, endless answers. It is not Elasticsearch, and nothing here proves that
// Elasticsearch understands us.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace hinomi {

class FakeHttpServer {
 public:
  struct Request {
    std::string method;
    std::string target;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
  };
  struct Reply {
    std::string bytes;     // raw, see Answer()
    bool close = false;    // afterwards
    bool reset = false;    // close with RST
    bool silence = false;  // never answer
  };
  using Handler = std::function<Reply(const Request&)>;

  /// Listens on a free port of 127.0.0.1; `handler` is called in the connections' threads, one call
  /// at a time.
  explicit FakeHttpServer(Handler handler);
  ~FakeHttpServer();

  std::string Url() const;
  /// All requests so far.
  std::vector<Request> Requests();
  size_t Connections();

  static Reply Answer(int status, std::string_view body, std::string_view headers = "");

 private:
  void Serve(int connection, const std::stop_token& stop);
  bool WriteReply(int connection, const Reply& reply, const std::stop_token& stop);

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<Request> requests_;
  std::vector<std::jthread> connections_;
  std::jthread acceptor_;
};

}  // namespace hinomi
