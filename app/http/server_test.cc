// The server against real sockets.
#include "app/http/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace hinomi {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Time = std::chrono::steady_clock;

// A client's socket; every wait ends after ten seconds.
class Client {
 public:
  Client(const std::string& address, const std::string& request, int receive_buffer_bytes = 0)
      : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience = {10, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (receive_buffer_bytes > 0) {
      setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                 sizeof receive_buffer_bytes);
    }
    sockaddr_in peer = {};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&peer), sizeof peer), 0);
    EXPECT_EQ(send(socket_, request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Until the server closes, or `marker` has come.
  std::string Read(const std::string& marker = "") {
    std::string all;
    char block[4096];
    while (marker.empty() || all.find(marker) == std::string::npos) {
      const ssize_t count = recv(socket_, block, sizeof block, 0);
      if (count <= 0) break;
      all.append(block, static_cast<size_t>(count));
    }
    return all;
  }

 private:
  int socket_;
};

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    HttpServer::Handlers handlers;
    handlers["/plain"] = [](const IncomingRequest&) { return HttpResponse{.body = "hello\n"}; };
    handlers["/echo"] = [](const IncomingRequest& request) {
      return HttpResponse{.body = request.host + "|" + request.authorization + "|" + request.peer,
                          .headers = {{"X-Extra", "yes"}}};
    };
    handlers["/parameters"] = [](const IncomingRequest& request) {
      HttpResponse response;
      for (const auto& [name, value] : request.parameters) {
        response.body += "<" + name + "=" + value + ">";
      }
      return response;
    };
    handlers["/stream"] = [](const IncomingRequest&) {
      HttpResponse response{.body = "first\n"};
      response.stream = [](const std::stop_token& stop) -> std::optional<std::string> {
        std::mutex mutex;
        std::condition_variable_any wake;
        std::unique_lock lock(mutex);
        wake.wait_for(lock, stop, std::chrono::milliseconds(20), [] { return false; });
        return "more\n";
      };
      return response;
    };
    handlers["/flood"] = [this](const IncomingRequest&) {
      HttpResponse response;
      response.stream = [this](const std::stop_token&) -> std::optional<std::string> {
        ++floods_;
        return std::string(1 << 20, 'x');
      };
      return response;
    };
    Result<std::unique_ptr<HttpServer>> server =
        HttpServer::Start({"127.0.0.1:0", std::chrono::seconds(1)}, std::move(handlers), metrics_);
    EXPECT_TRUE(server.ok());
    server_ = std::move(*server);
    address_ = server_->address();
  }

  std::string Ask(const std::string& line, const std::string& headers = "") const {
    return Client(address_, line + " HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n").Read();
  }
  std::unique_ptr<Client> Open(const std::string& path) const {
    return std::make_unique<Client>(address_, "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  double Metric(const char* name) { return metrics_.GaugeOf(name, "").Value(); }
  // True once `name` is `value`, within ten seconds.
  bool Becomes(const char* name, double value) {
    const auto until = Time::now() + std::chrono::seconds(10);
    while (Metric(name) != value) {
      if (Time::now() > until) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  Metrics metrics_;
  std::atomic<int> floods_ = 0;
  std::unique_ptr<HttpServer> server_;
  std::string address_;
};

TEST_F(ServerTest, AnswersByPathAndMethodAndSurvivesTheRest) {
  EXPECT_THAT(Ask("GET /plain"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Ask("GET /plain?a=b"), HasSubstr("\r\n\r\nhello\n"));
  EXPECT_THAT(Ask("HEAD /plain"), HasSubstr("Content-Length: 6"));
  EXPECT_THAT(Ask("HEAD /plain"), Not(HasSubstr("hello")));
  EXPECT_THAT(Ask("POST /plain"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(Ask("DELETE /plain"), HasSubstr("Allow: GET, HEAD"));
  EXPECT_THAT(Ask("GET /other"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Ask("GET /"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Ask("GET /x/../plain"), Not(StartsWith("HTTP/1.1 5")));

  for (const char* line : {"GET http://elsewhere.example/plain", "GET plain", "GET *", "GET",
                           "\x16\x03", "GET /%zz", "GET /\x01"}) {
    EXPECT_THAT(Ask(line), Not(HasSubstr("hello"))) << line;
  }
  EXPECT_THAT(Ask("GET /plain"), HasSubstr("hello"));
  EXPECT_THAT(Ask("GET /echo", "Authorization: Bearer t\r\n"), HasSubstr("h|Bearer t|127.0.0.1"));
  EXPECT_THAT(Ask("GET /echo"), HasSubstr("h||127.0.0.1"));
  EXPECT_THAT(Ask("GET /echo"), HasSubstr("X-Extra: yes\r\n"));
}

TEST_F(ServerTest, DecodesParameters) {
  const auto expect = [&](const std::string& query, const std::string& want) {
    const std::string answer = Ask("GET /parameters" + query);
    EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), want) << query;
  };
  expect("", "");
  expect("?", "");
  expect("?pod=web-1", "<pod=web-1>");
  expect("?pod=a%2Fb%20c+d&namespace=", "<namespace=><pod=a/b c d>");
  expect("?pod=first&pod=second", "<pod=first>");
  expect("?flag&=x&&pod=%zz", "<=x><flag=><pod=%zz>");
  expect("?a=b=c", "<a=b=c>");
}

TEST_F(ServerTest, StreamsUntilTheClientHasGone) {
  {
    const auto client = Open("/stream");
    EXPECT_THAT(client->Read("more\n"), HasSubstr("first\nmore\n"));
    EXPECT_TRUE(Becomes("hinomi_http_streams", 1));
  }
  EXPECT_TRUE(Becomes("hinomi_http_streams", 0));
  EXPECT_THAT(Ask("HEAD /stream"), Not(HasSubstr("first")));
  EXPECT_TRUE(Becomes("hinomi_http_streams", 0));
}

TEST_F(ServerTest, BoundsStreamsAndAnswersBesideThem) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < HttpServer::kStreamsMax; ++i) {
    clients.push_back(Open("/stream"));
    EXPECT_THAT(clients.back()->Read("more\n"), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_THAT(Ask("GET /stream"), StartsWith("HTTP/1.1 503"));
  EXPECT_EQ(metrics_.CounterOf("hinomi_http_streams_refused_total", "").Value(), 1);
  // Connections that say nothing, as browsers keep them, hinder nobody either.
  for (int i = 0; i < 6; ++i) clients.push_back(std::make_unique<Client>(address_, ""));
  const auto begin = Time::now();
  EXPECT_THAT(Ask("GET /plain"), HasSubstr("hello"));
  EXPECT_LT(Time::now() - begin, std::chrono::seconds(1));
  clients.erase(clients.begin());
  EXPECT_TRUE(Becomes("hinomi_http_streams", HttpServer::kStreamsMax - 1));
  EXPECT_THAT(Open("/stream")->Read("more\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, CutsOffWhoDoesNotRead) {
  const Client client(address_, "GET /flood HTTP/1.1\r\nHost: h\r\n\r\n", 4096);
  EXPECT_TRUE(Becomes("hinomi_http_streams", 1));
  EXPECT_TRUE(Becomes("hinomi_http_streams", 0));
  EXPECT_LT(floods_, 20);
}

TEST_F(ServerTest, StopsAtOnceWithStreamsAndSlowReadersOpen) {
  const auto stream = Open("/stream");
  EXPECT_THAT(stream->Read("more\n"), StartsWith("HTTP/1.1 200"));
  const auto stalled = Open("/flood");
  const auto silent = std::make_unique<Client>(address_, "");
  EXPECT_TRUE(Becomes("hinomi_http_streams", 2));
  const auto begin = Time::now();
  server_.reset();
  EXPECT_LT(Time::now() - begin, std::chrono::seconds(4));
}

}  // namespace
}  // namespace hinomi
