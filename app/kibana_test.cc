#include "app/kibana.h"

#include <gmock/gmock.h>

#include <fstream>

#include "base/fake_http_server.h"
#include "base/temporary_directory.h"

namespace hinomi {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::string_view kDone = R"({"successCount":2,"success":true,"warnings":[]})";

// A real Kibana is in no package: its answers are written after its documentation.
class KibanaTest : public ::testing::Test {
 protected:
  KibanaTest() {
    std::ofstream(root_ / "objects.ndjson") << "{\"id\":\"a\"}\n{\"id\":\"b\"}\n";
    std::ofstream(root_ / "secret") << "c2VjcmV0\n";
    options_.file = root_ / "objects.ndjson";
    options_.pause = std::chrono::milliseconds(1);
  }

  Result<uint64_t> Load(FakeHttpServer& server) {
    options_.url = server.Url() + "/kibana/";
    return LoadSavedObjects(options_, files_);
  }
  std::string Refused(int status, std::string_view body) {
    FakeHttpServer server([&](const auto&) { return FakeHttpServer::Answer(status, body); });
    const Result<uint64_t> loaded = Load(server);
    return loaded ? "it was loaded" : loaded.error().message;
  }

  TemporaryDirectory root_;
  KibanaOptions options_;
  PosixFileSystem files_;
};

TEST_F(KibanaTest, SendsTheFileAsAForm) {
  FakeHttpServer server([](const auto&) { return FakeHttpServer::Answer(200, kDone); });
  const Result<uint64_t> loaded = Load(server);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(*loaded, 2u);
  const FakeHttpServer::Request seen = server.Requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/kibana/api/saved_objects/_import?overwrite=true");
  EXPECT_EQ(seen.headers.count("kbn-xsrf") + seen.headers.count("osd-xsrf"), 2u);
  EXPECT_EQ(seen.headers.count("authorization"), 0u);
  const std::string& type = seen.headers.at("content-type");
  ASSERT_THAT(type, HasSubstr("multipart/form-data; boundary="));
  const std::string boundary = "--" + type.substr(type.find('=') + 1);
  EXPECT_TRUE(
      seen.body.starts_with(boundary + "\r\nContent-Disposition: form-data; name=\"file\""));
  EXPECT_TRUE(
      seen.body.ends_with("\r\n\r\n{\"id\":\"a\"}\n{\"id\":\"b\"}\n\r\n" + boundary + "--\r\n"));
}

TEST_F(KibanaTest, ProvesWhoItIs) {
  FakeHttpServer server([](const auto&) { return FakeHttpServer::Answer(200, kDone); });
  options_.api_key_file = root_ / "secret";
  ASSERT_TRUE(Load(server));
  EXPECT_EQ(server.Requests().at(0).headers.at("authorization"), "ApiKey c2VjcmV0");
  options_.api_key_file.clear();
  options_.username = "user";
  options_.password_file = root_ / "secret";
  ASSERT_TRUE(Load(server));
  EXPECT_EQ(server.Requests().at(1).headers.at("authorization"), "Basic dXNlcjpjMlZqY21WMA==");
  options_.password_file = root_ / "missing";
  EXPECT_FALSE(Load(server));
}

TEST_F(KibanaTest, WaitsForOneThatIsNotReady) {
  int asked = 0;
  FakeHttpServer server([&](const auto&) {
    const bool ready = ++asked == 3;
    return FakeHttpServer::Answer(ready ? 200 : 503, ready ? kDone : "not ready yet");
  });
  EXPECT_FALSE(Load(server));
  EXPECT_EQ(asked, 1);
  options_.wait = std::chrono::seconds(20);
  EXPECT_TRUE(Load(server));
  EXPECT_EQ(asked, 3);
}

TEST_F(KibanaTest, SaysWhyItWasRefused) {
  EXPECT_THAT(Refused(503, "Kibana server is not ready yet"),
              HasSubstr("it answered 503: Kibana server is not ready yet"));
  EXPECT_THAT(Refused(401, R"({"statusCode":401,"error":"Unauthorized","message":"no user"})"),
              AllOf(HasSubstr("it answered 401: no user"), HasSubstr("--api-key-file")));
  EXPECT_THAT(Refused(404, "<html>"), HasSubstr("base path"));
  EXPECT_THAT(
      Refused(200, R"({"success":false,"successCount":1,"errors":[{"id":"b","type":"search",)"
                   R"("error":{"type":"missing_references"}}]})"),
      HasSubstr("search \"b\": missing_references"));
  EXPECT_THAT(Refused(200, R"({"errors":[7]})"), HasSubstr("does not say that it did"));
  EXPECT_THAT(Refused(200, R"({"errors":[{"id":7,"error":"x"}]})"), HasSubstr("refused"));
  EXPECT_THAT(Refused(200, "{}"), HasSubstr("does not say that it did"));
  EXPECT_THAT(Refused(200, R"({"successCount":-1})"), HasSubstr("does not say that it did"));
  EXPECT_THAT(Refused(200, R"({"successCount":1e300})"), HasSubstr("does not say that it did"));
  EXPECT_THAT(Refused(200, "["), HasSubstr("it answered 200: ["));
}

TEST_F(KibanaTest, NobodyAnswers) {
  options_.url = "http://127.0.0.1:1";
  const Result<uint64_t> loaded = LoadSavedObjects(options_, files_);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::kTransient);
  EXPECT_THAT(loaded.error().message, HasSubstr("is Kibana running there?"));
  options_.file = root_ / "missing";
  EXPECT_EQ(LoadSavedObjects(options_, files_).error().kind, ErrorKind::kIo);
}

}  // namespace
}  // namespace hinomi
