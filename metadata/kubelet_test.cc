#include "metadata/kubelet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "base/fake_http_server.h"
#include "base/temporary_directory.h"

namespace hinomi {
namespace {

using testing::HasSubstr;

constexpr std::chrono::milliseconds kTimeout{300};

KubeletConfig Config(const std::string& url, const std::string& token_file = "") {
  KubeletConfig config;
  config.url = url;
  config.token_file = token_file;
  return config;
}

constexpr std::string_view kPods = R"({"items":[{"metadata":{"uid":"u-1","name":"p"}}]})";

TEST(Kubelet, ShowsTheTokenOfTheMoment) {
  std::signal(SIGPIPE, SIG_IGN);
  FakeHttpServer server(
      [](const FakeHttpServer::Request&) { return FakeHttpServer::Answer(200, kPods); });
  TemporaryDirectory directory;
  PosixFileSystem files;
  Kubelet kubelet(Config(server.Url(), directory / "token"), {}, files, kTimeout);
  EXPECT_EQ(kubelet.List({}).error().kind, ErrorKind::kTransient) << "there is no token";
  for (const std::string token : {"one", "two"}) {
    ASSERT_TRUE(files.WriteSynced(directory / "token", token + "\n"));
    const auto pods = kubelet.List({});
    ASSERT_TRUE(pods) << pods.error().message;
    EXPECT_EQ(pods->at(0).name, "p");
    EXPECT_EQ(server.Requests().back().target, "/pods");
    EXPECT_EQ(server.Requests().back().headers.at("authorization"), "Bearer " + token);
  }
}

TEST(Kubelet, SaysWhyItCouldNotBeAsked) {
  PosixFileSystem files;
  const struct {
    FakeHttpServer::Reply reply;
    ErrorKind kind;
    std::string message;
  } kCases[] = {
      {FakeHttpServer::Answer(401, "Unauthorized"), ErrorKind::kTransient, "kubelet.token_file"},
      {FakeHttpServer::Answer(403, "secret"), ErrorKind::kTransient, "get nodes/pods"},
      {FakeHttpServer::Answer(500, "secret"), ErrorKind::kTransient, "HTTP 500"},
      {FakeHttpServer::Answer(200, "secret"), ErrorKind::kCorrupt, "cannot read the pods of"},
      {FakeHttpServer::Answer(200, kPods.substr(0, 30)), ErrorKind::kCorrupt, "cannot read"},
      {{.bytes = "", .silence = true}, ErrorKind::kTransient, "is the kubelet overloaded"},
      {{.bytes = "", .reset = true}, ErrorKind::kTransient, "cannot send to"},
  };
  for (const auto& test : kCases) {
    FakeHttpServer server([&](const FakeHttpServer::Request&) { return test.reply; });
    Kubelet kubelet(Config(server.Url()), {}, files, kTimeout);
    const auto pods = kubelet.List({});
    ASSERT_FALSE(pods) << test.message;
    EXPECT_EQ(pods.error().kind, test.kind) << test.message;
    EXPECT_THAT(pods.error().message, HasSubstr(test.message));
    EXPECT_THAT(pods.error().message, testing::Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace hinomi
