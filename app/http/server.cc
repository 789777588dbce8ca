#include "app/http/server.h"

#include <civetweb.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

namespace hinomi {
namespace {

// Beside the streams: enough for a browser's connections, of which some say nothing for a while,
// and for scrapes and probes at the same time.
constexpr int kThreads = HttpServer::kStreamsMax + 8;
constexpr size_t kWriteBytes = 64 << 10;

std::string HeaderOf(mg_connection* connection, const char* name) {
  const char* value = mg_get_header(connection, name);
  return value == nullptr ? "" : value;
}

std::string Decoded(std::string_view text) {
  std::string decoded(text.size() + 1, '\0');
  const int bytes = mg_url_decode(text.data(), static_cast<int>(text.size()), decoded.data(),
                                  static_cast<int>(decoded.size()), /*is_form_url_encoded=*/1);
  decoded.resize(bytes < 0 ? 0 : static_cast<size_t>(bytes));
  return decoded;
}

std::map<std::string, std::string> ParametersOf(const mg_request_info& request) {
  std::map<std::string, std::string> parameters;
  std::string_view rest = request.query_string == nullptr ? "" : request.query_string;
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    const size_t equals = one.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : one.substr(equals + 1);
    parameters.emplace(Decoded(one.substr(0, equals)), Decoded(value));
  }
  return parameters;
}

class CivetwebServer final : public HttpServer {
 public:
  CivetwebServer(const Options& options, Handlers handlers, Metrics& metrics)
      : listen_(options.listen),
        patience_(options.patience),
        handlers_(std::move(handlers)),
        streams_gauge_(metrics.GaugeOf("hinomi_http_streams", "Clients that follow the status.")),
        refused_(metrics.CounterOf("hinomi_http_streams_refused_total",
                                   "Streams refused because there were too many.")) {}

  ~CivetwebServer() override {
    stop_.request_stop();
    if (context_ != nullptr) mg_stop(context_);
    mg_exit_library();
  }
  CivetwebServer(const CivetwebServer&) = delete;
  CivetwebServer& operator=(const CivetwebServer&) = delete;

  Result<void> Listen() {
    mg_init_library(0);
    mg_callbacks callbacks = {};
    callbacks.begin_request = &Serve;
    callbacks.log_message = &Remember;
    // civetweb takes a bare port for "every address".
    const std::string listen = listen_.starts_with(':') ? listen_.substr(1) : listen_;
    const std::string threads = std::to_string(kThreads);
    const std::string patience = std::to_string(patience_.count());
    // No document_root: nothing of the disk is ever served.
    const char* options[] = {"listening_ports",
                             listen.c_str(),
                             "num_threads",
                             threads.c_str(),
                             "request_timeout_ms",
                             patience.c_str(),
                             "enable_directory_listing",
                             "no",
                             nullptr};
    context_ = mg_start(&callbacks, this, options);
    if (context_ == nullptr) {
      return Error{
          ErrorKind::kIo,
          fmt::format("cannot listen on \"{}\": {}; choose another address with http.listen",
                      listen_, last_message_.empty() ? "in use?" : last_message_)};
    }
    return {};
  }

  std::string address() const override {
    mg_server_port ports[4] = {};
    const int count = mg_get_server_ports(context_, 4, ports);
    const std::string host = listen_.substr(0, listen_.rfind(':'));
    return fmt::format("http://{}:{}", host.empty() ? "127.0.0.1" : host,
                       count > 0 ? ports[0].port : 0);
  }

 private:
  static int Serve(mg_connection* connection) {
    const mg_request_info* request = mg_get_request_info(connection);
    auto* server = static_cast<CivetwebServer*>(request->user_data);
    const std::string method = request->request_method;
    HttpResponse response = server->Respond(connection, method);
    if (response.stream && !server->OpenStream()) {
      response = {503, response.content_type,
                  fmt::format("too many streams: at most {} at a time\n", kStreamsMax)};
    }
    SendHead(connection, response);
    if (method == "HEAD") {
      if (response.stream) server->CloseStream();
      return response.status;
    }
    bool alive = server->Write(connection, response.body);
    if (!response.stream) return response.status;
    const std::stop_token stop = server->stop_.get_token();
    while (alive && !stop.stop_requested()) {
      const std::optional<std::string> next = response.stream(stop);
      alive = next && server->Write(connection, *next);
    }
    server->CloseStream();
    return response.status;
  }

  HttpResponse Respond(mg_connection* connection, const std::string& method) const {
    const mg_request_info* request = mg_get_request_info(connection);
    const auto handler = handlers_.find(request->local_uri);
    if (handler == handlers_.end()) return {.status = 404, .body = "not found\n"};
    if (method != "GET" && method != "HEAD") {
      return {.status = 405, .body = "only GET\n", .headers = {{"Allow", "GET, HEAD"}}};
    }
    return handler->second({HeaderOf(connection, "Host"), HeaderOf(connection, "Authorization"),
                            request->remote_addr, HeaderOf(connection, "Accept"),
                            HeaderOf(connection, "Accept-Encoding"), ParametersOf(*request)});
  }

  static void SendHead(mg_connection* connection, const HttpResponse& response) {
    mg_response_header_start(connection, response.status);
    mg_response_header_add(connection, "Content-Type", response.content_type.c_str(), -1);
    if (!response.stream) {
      const std::string length = std::to_string(response.body.size());
      mg_response_header_add(connection, "Content-Length", length.c_str(), -1);
    }
    mg_response_header_add(connection, "Cache-Control", "no-store", -1);
    for (const auto& [name, value] : response.headers) {
      mg_response_header_add(connection, name.c_str(), value.c_str(), -1);
    }
    mg_response_header_send(connection);
  }

  // False when the client has gone, or reads too slowly to wait for.
  bool Write(mg_connection* connection, std::string_view bytes) const {
    const auto until = std::chrono::steady_clock::now() + patience_;
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, kWriteBytes);
      const int written = mg_write(connection, piece.data(), piece.size());
      if (written != static_cast<int>(piece.size())) return false;
      bytes.remove_prefix(piece.size());
      if (std::chrono::steady_clock::now() > until) return false;
    }
    return true;
  }

  bool OpenStream() {
    if (streams_.fetch_add(1) < kStreamsMax) {
      streams_gauge_.Add(1);
      return true;
    }
    --streams_;
    refused_.Add();
    return false;
  }

  void CloseStream() {
    streams_gauge_.Add(-1);
    --streams_;
  }

  static int Remember(const mg_connection* connection, const char* message) {
    const mg_context* context = mg_get_context(connection);
    if (context != nullptr) {
      static_cast<CivetwebServer*>(mg_get_user_data(context))->last_message_ = message;
    }
    return 1;  // nothing to standard error
  }

  const std::string listen_;
  const std::chrono::milliseconds patience_;
  Handlers handlers_;
  std::string last_message_;
  mg_context* context_ = nullptr;
  std::stop_source stop_;
  std::atomic<int> streams_ = 0;
  Gauge streams_gauge_;
  Counter refused_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const Options& options, Handlers handlers,
                                                      Metrics& metrics) {
  auto server = std::make_unique<CivetwebServer>(options, std::move(handlers), metrics);
  const Result<void> listening = server->Listen();
  if (!listening) return listening.error();
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace hinomi
