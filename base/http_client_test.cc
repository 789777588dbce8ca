#include "base/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/fake_http_server.h"

namespace hinomi {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

HttpClientOptions Options() {
  return {
      .peer = "Elasticsearch", .ca_file = "", .public_key_sha256 = "", .answer_bytes_max = 1 << 20};
}

HttpRequest To(const std::string& url) {
  HttpRequest request;
  request.url = url;
  request.timeout = milliseconds(5000);
  return request;
}

TEST(HttpClientTest, SendsAndReceives) {
  FakeHttpServer server([](const FakeHttpServer::Request& request) {
    return FakeHttpServer::Answer(201, request.body, "Retry-After: 7\r\n");
  });
  HttpClient client(Options());
  const std::string_view body[] = {"one ", "", "two ", "three"};
  const std::string headers[] = {"Content-Type: text/plain"};
  for (const std::string method : {"POST", "PUT", "GET", "POST"}) {
    HttpRequest request = To(server.Url() + "/path?query");
    request.method = method;
    request.headers = headers;
    request.username = "user";
    request.password = "secret";
    if (method != "GET") request.body = body;
    const HttpAnswer answer = client.Send(request, {});
    EXPECT_EQ(answer.code, "") << answer.error;
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.body, method == "GET" ? "" : "one two three");
    EXPECT_EQ(answer.retry_after, std::chrono::seconds(7));
    const FakeHttpServer::Request seen = server.Requests().back();
    EXPECT_EQ(seen.method, method);
    EXPECT_EQ(seen.target, "/path?query");
    EXPECT_EQ(seen.headers.at("content-type"), "text/plain");
    EXPECT_EQ(seen.headers.at("authorization"), "Basic dXNlcjpzZWNyZXQ=");
    EXPECT_EQ(seen.headers.count("expect"), 0u);
  }
  EXPECT_EQ(server.Connections(), 1u) << "the connection must be kept";
}

TEST(HttpClientTest, SendsALargeBody) {
  FakeHttpServer server([](const FakeHttpServer::Request& request) {
    return FakeHttpServer::Answer(200, std::to_string(request.body.size()));
  });
  HttpClient client(Options());
  const std::string large(5 << 20, 'x');
  const std::string_view body[] = {large, large};
  HttpRequest request = To(server.Url());
  request.method = "POST";
  request.body = body;
  EXPECT_EQ(client.Send(request, {}).body, std::to_string(10 << 20));
}

TEST(HttpClientTest, FollowsNoRedirect) {
  FakeHttpServer server([](const auto&) {
    return FakeHttpServer::Answer(301, "", "Location: https://elsewhere:9200/x\r\n");
  });
  HttpClient client(Options());
  const HttpAnswer answer = client.Send(To(server.Url()), {});
  EXPECT_EQ(answer.status, 301);
  EXPECT_EQ(answer.location, "https://elsewhere:9200/x");
  EXPECT_EQ(server.Requests().size(), 1u);
}

TEST(HttpClientTest, UsesNoProxyOfTheEnvironment) {
  FakeHttpServer server([](const auto&) { return FakeHttpServer::Answer(200, "direct"); });
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  HttpClient client(Options());
  EXPECT_EQ(client.Send(To(server.Url()), {}).body, "direct");
  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
}

TEST(HttpClientTest, SaysHowItFailed) {
  const auto whole = FakeHttpServer::Answer(200, "whole").bytes;
  const struct {
    const char* name;
    FakeHttpServer::Reply reply;
    const char* code;
    const char* error;
  } cases[] = {
      {"half an answer",
       {.bytes = whole.substr(0, whole.size() - 2), .close = true},
       "response",
       "complete"},
      {"half a head", {.bytes = "HTTP/1.1 200 OK\r\nContent-Le", .close = true}, "", ""},
      {"garbage",
       {.bytes = "SSH-2.0-OpenSSH_9.2\r\n", .close = true},
       "response",
       "is that Elasticsearch?"},
      {"no answer", {.bytes = "", .close = true}, "reset", "closed without an answer"},
      {"reset", {.bytes = "", .reset = true}, "reset", "closed without an answer"},
      {"silence", {.bytes = "", .silence = true}, "timeout", "is Elasticsearch overloaded"},
      {"too much", FakeHttpServer::Answer(200, std::string(2 << 20, 'x')), "response_too_large",
       "1048576"},
  };
  for (const auto& test : cases) {
    FakeHttpServer server([&](const auto&) { return test.reply; });
    HttpClient client(Options());
    HttpRequest request = To(server.Url() + "/secret/path");
    request.timeout = milliseconds(test.reply.silence ? 200 : 5000);
    const HttpAnswer answer = client.Send(request, {});
    EXPECT_EQ(answer.code, test.code) << test.name << ": " << answer.error;
    EXPECT_THAT(answer.error, HasSubstr(test.error)) << test.name;
    if (answer.code.empty()) continue;
    EXPECT_EQ(answer.status, 0) << test.name;
    EXPECT_THAT(answer.error, HasSubstr("\"" + server.Url() + "\"")) << test.name;
  }
}

TEST(HttpClientTest, SaysWhyItCannotConnect) {
  std::string url;
  {
    FakeHttpServer server([](const auto&) { return FakeHttpServer::Answer(200, ""); });
    url = server.Url();
  }
  HttpClient client(Options());
  HttpAnswer answer = client.Send(To("http://user:secret@" + url.substr(7) + "/path"), {});
  EXPECT_EQ(answer.code, "connect");
  EXPECT_EQ(answer.error, "cannot connect to \"" + url +
                              "\": Connection refused; is Elasticsearch running there?");

  answer = client.Send(To("http://no-such-host.invalid:9200"), {});
  EXPECT_EQ(answer.code, "resolve") << answer.error;
}

TEST(HttpClientTest, SaysThatTheOtherEndHasNoTls) {
  FakeHttpServer server(
      [](const auto&) { return FakeHttpServer::Reply{.bytes = "", .close = true}; });
  FakeHttpServer plain([](const auto&) { return FakeHttpServer::Answer(200, ""); });
  HttpClient client(Options());
  // The fake waits for the end of a request's head, which a TLS greeting does not have.
  HttpRequest request = To("https" + server.Url().substr(4));
  request.timeout = milliseconds(300);
  EXPECT_EQ(client.Send(request, {}).code, "timeout");

  HttpClientOptions options = Options();
  options.ca_file = "/nonexistent/ca.pem";
  HttpClient strict(options);
  const HttpAnswer answer = strict.Send(request, {});
  EXPECT_EQ(answer.code, "tls") << answer.error;
  EXPECT_THAT(answer.error, HasSubstr("/nonexistent/ca.pem"));
}

TEST(HttpClientTest, ConnectsAgainWhenTheServerHasClosed) {
  FakeHttpServer server([](const FakeHttpServer::Request& request) {
    auto reply = FakeHttpServer::Answer(200, request.body);
    reply.close = true;
    return reply;
  });
  HttpClient client(Options());
  const std::string_view body[] = {"again", " and again"};
  for (int i = 0; i < 3; ++i) {
    HttpRequest request = To(server.Url());
    request.method = "POST";
    request.body = body;
    HttpAnswer answer = client.Send(request, {});
    // The server's close may cross the request on its way: that is a failed attempt, and the next
    // is good.
    if (answer.code == "reset") answer = client.Send(request, {});
    EXPECT_EQ(answer.body, "again and again") << answer.error;
  }
}

TEST(HttpClientTest, StopsAtOnce) {
  FakeHttpServer server(
      [](const auto&) { return FakeHttpServer::Reply{.bytes = "", .silence = true}; });
  HttpClient client(Options());
  std::stop_source source;
  const auto begin = steady_clock::now();
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(milliseconds(100));
    source.request_stop();
  });
  const HttpAnswer answer = client.Send(To(server.Url()), source.get_token());
  EXPECT_EQ(answer.code, "stopped");
  EXPECT_LT(steady_clock::now() - begin, milliseconds(2000));
  EXPECT_EQ(client.Send(To(server.Url()), source.get_token()).code, "stopped");
}

class CountedSockets final : public SocketSource {
 public:
  Result<int> Open(int family, int type, int protocol) override {
    if (refuse) return IoError("bind to", "nosuch0", ENODEV);
    ++opened;
    return socket(family, type | SOCK_CLOEXEC, protocol);
  }
  void Close(int socket) override {
    ++closed;
    close(socket);
  }

  bool refuse = false;
  int opened = 0, closed = 0;
};

TEST(HttpClientTest, TakesItsSocketsFromWhereItIsTold) {
  FakeHttpServer server(
      [](const FakeHttpServer::Request&) { return FakeHttpServer::Answer(200, ""); });
  CountedSockets sockets;
  {
    HttpClientOptions options = Options();
    options.sockets = &sockets;
    HttpClient client(options);
    EXPECT_EQ(client.Send(To(server.Url()), {}).code, "");
    EXPECT_EQ(client.Send(To(server.Url()), {}).code, "");
    EXPECT_EQ(sockets.opened, 1);
    client.Forget();
    EXPECT_EQ(sockets.closed, 1);
    sockets.refuse = true;
    const HttpAnswer answer = client.Send(To(server.Url()), {});
    EXPECT_EQ(answer.code, "socket");
    EXPECT_THAT(answer.error, HasSubstr("\": cannot bind to \"nosuch0\": No such device"));
    sockets.refuse = false;
    EXPECT_EQ(client.Send(To(server.Url()), {}).code, "");
  }
  EXPECT_EQ(sockets.closed, sockets.opened);
}

TEST(HttpClientTest, OriginOf) {
  const std::pair<const char*, const char*> cases[] = {
      {"http://127.0.0.1:9200", "http://127.0.0.1:9200"},
      {"http://127.0.0.1:9200/a/b?c=d", "http://127.0.0.1:9200"},
      {"https://user:p@ss@host:9200/a@b", "https://host:9200"},
      {"https://[::1]:9200/", "https://[::1]:9200"},
      {"host", "host"},
      {"", ""},
  };
  for (const auto& [in, want] : cases) EXPECT_EQ(OriginOf(in), want) << in;
}

TEST(HttpClientTest, UrlEncoded) {
  EXPECT_EQ(UrlEncoded("logs-kubernetes.container_logs-default"),
            "logs-kubernetes.container_logs-default");
  EXPECT_EQ(UrlEncoded("<logs-{now/d}>"), "%3Clogs-%7Bnow%2Fd%7D%3E");
  EXPECT_EQ(UrlEncoded(""), "");
}

}  // namespace
}  // namespace hinomi
