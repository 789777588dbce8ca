#include "base/fake_http_server.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "base/check.h"

namespace hinomi {

namespace {

bool WaitReadable(int descriptor, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd ready{.fd = descriptor, .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, 10) > 0) return true;
  }
  return false;
}

/// Appends what comes; false at the end of the connection.
bool Receive(int connection, std::string* data, const std::stop_token& stop) {
  if (!WaitReadable(connection, stop)) return false;
  char buffer[65536];
  const ssize_t count = recv(connection, buffer, sizeof buffer, 0);
  if (count <= 0) return false;
  data->append(buffer, static_cast<size_t>(count));
  return true;
}

FakeHttpServer::Request ParseHead(std::string_view head) {
  FakeHttpServer::Request request;
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const size_t space = line.find(' ');
  request.method = line.substr(0, space);
  request.target = line.substr(space + 1, line.rfind(' ') - space - 1);
  for (size_t at = line.size() + 2; at < head.size();) {
    const size_t end = head.find("\r\n", at);
    const std::string_view header = head.substr(at, end - at);
    const size_t colon = header.find(": ");
    if (colon != std::string_view::npos) {
      std::string name(header.substr(0, colon));
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return std::tolower(c); });
      request.headers[name] = header.substr(colon + 2);
    }
    at = end + 2;
  }
  return request;
}

}  // namespace

FakeHttpServer::FakeHttpServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  CHECK(bind(listener_, generic, size) == 0 && listen(listener_, 16) == 0);
  CHECK(getsockname(listener_, generic, &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this](const std::stop_token& stop) {
    while (WaitReadable(listener_, stop)) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) continue;
      const std::lock_guard lock(mutex_);
      connections_.emplace_back(
          [this, connection](const std::stop_token& stopping) { Serve(connection, stopping); });
    }
  });
}

FakeHttpServer::~FakeHttpServer() {
  acceptor_ = {};
  connections_.clear();
  close(listener_);
}

std::string FakeHttpServer::Url() const { return fmt::format("http://127.0.0.1:{}", port_); }

std::vector<FakeHttpServer::Request> FakeHttpServer::Requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

size_t FakeHttpServer::Connections() {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

FakeHttpServer::Reply FakeHttpServer::Answer(int status, std::string_view body,
                                             std::string_view headers) {
  return {.bytes = fmt::format("HTTP/1.1 {} Whatever\r\n{}Content-Length: {}\r\n\r\n{}", status,
                               headers, body.size(), body)};
}

void FakeHttpServer::Serve(int connection, const std::stop_token& stop) {
  std::string data;
  for (;;) {
    size_t end = 0;
    while ((end = data.find("\r\n\r\n")) == std::string::npos) {
      if (!Receive(connection, &data, stop)) return static_cast<void>(close(connection));
    }
    Request request = ParseHead(std::string_view(data).substr(0, end + 2));
    data.erase(0, end + 4);
    const auto length = request.headers.find("content-length");
    const size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
    while (data.size() < size) {
      if (!Receive(connection, &data, stop)) return static_cast<void>(close(connection));
    }
    request.body = data.substr(0, size);
    data.erase(0, size);
    Reply reply;
    {
      const std::lock_guard lock(mutex_);
      reply = handler_(request);
      requests_.push_back(std::move(request));
    }
    if (!WriteReply(connection, reply, stop)) return static_cast<void>(close(connection));
  }
}

bool FakeHttpServer::WriteReply(int connection, const Reply& reply, const std::stop_token& stop) {
  while (reply.silence && !stop.stop_requested())
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::string_view bytes = reply.bytes;
  while (!bytes.empty() && !stop.stop_requested()) {
    pollfd ready{.fd = connection, .events = POLLOUT, .revents = 0};
    if (poll(&ready, 1, 10) == 0) continue;
    const ssize_t count = send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  if (reply.reset) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  return !reply.close && !reply.reset && !stop.stop_requested();
}

}  // namespace hinomi
