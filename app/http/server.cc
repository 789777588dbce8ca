#include "app/http/server.h"

#include <civetweb.h>
#include <fmt/format.h>

#include <cstring>

namespace hinomi {
namespace {

class CivetwebServer final : public HttpServer {
 public:
  CivetwebServer(std::string host, Handlers handlers)
      : host_(std::move(host)), handlers_(std::move(handlers)) {}

  ~CivetwebServer() override {
    if (context_ != nullptr) mg_stop(context_);
    mg_exit_library();
  }
  CivetwebServer(const CivetwebServer&) = delete;
  CivetwebServer& operator=(const CivetwebServer&) = delete;

  Result<void> Listen(const std::string& listen) {
    mg_init_library(0);
    mg_callbacks callbacks = {};
    callbacks.begin_request = &Serve;
    callbacks.log_message = &Remember;
    // No document_root: nothing of the disk is ever served.
    const char* options[] = {"listening_ports",
                             listen.c_str(),
                             "num_threads",
                             "4",
                             "request_timeout_ms",
                             "10000",
                             "enable_directory_listing",
                             "no",
                             nullptr};
    context_ = mg_start(&callbacks, this, options);
    if (context_ == nullptr) {
      return Error{
          ErrorKind::kIo,
          fmt::format("cannot listen on \"{}\": {}; choose another address with http.listen",
                      listen, last_message_.empty() ? "in use?" : last_message_)};
    }
    return {};
  }

  std::string address() const override {
    mg_server_port ports[4] = {};
    const int count = mg_get_server_ports(context_, 4, ports);
    return fmt::format("http://{}:{}", host_, count > 0 ? ports[0].port : 0);
  }

 private:
  static int Serve(mg_connection* connection) {
    const mg_request_info* request = mg_get_request_info(connection);
    const auto* server = static_cast<const CivetwebServer*>(request->user_data);
    HttpResponse response;
    const auto handler = server->handlers_.find(request->local_uri);
    const bool get = std::strcmp(request->request_method, "GET") == 0;
    const bool head = std::strcmp(request->request_method, "HEAD") == 0;
    if (handler == server->handlers_.end()) {
      response = {404, response.content_type, "not found\n"};
    } else if (!get && !head) {
      response = {405, response.content_type, "only GET\n"};
    } else {
      response = handler->second();
    }
    mg_response_header_start(connection, response.status);
    mg_response_header_add(connection, "Content-Type", response.content_type.c_str(), -1);
    mg_response_header_add(connection, "Content-Length",
                           std::to_string(response.body.size()).c_str(), -1);
    mg_response_header_add(connection, "Cache-Control", "no-store", -1);
    mg_response_header_send(connection);
    if (!head) mg_write(connection, response.body.data(), response.body.size());
    return response.status;
  }

  static int Remember(const mg_connection* connection, const char* message) {
    const mg_context* context = mg_get_context(connection);
    if (context != nullptr) {
      static_cast<CivetwebServer*>(mg_get_user_data(context))->last_message_ = message;
    }
    return 1;  // nothing to standard error
  }

  std::string host_;
  Handlers handlers_;
  std::string last_message_;
  mg_context* context_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& listen,
                                                      Handlers handlers) {
  const size_t colon = listen.rfind(':');
  const std::string host = listen.substr(0, colon);
  auto server =
      std::make_unique<CivetwebServer>(host.empty() ? "127.0.0.1" : host, std::move(handlers));
  // civetweb takes a bare port for "every address".
  const Result<void> listening = server->Listen(host.empty() ? listen.substr(colon + 1) : listen);
  if (!listening) return listening.error();
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace hinomi
