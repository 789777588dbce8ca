#include "app/http/access.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

using ::testing::HasSubstr;

TEST(IsOwnName, Table) {
  const std::pair<const char*, bool> cases[] = {
      {"localhost", true},
      {"LocalHost:9797", true},
      {"127.0.0.1", true},
      {"127.0.0.1:9797", true},
      {"10.1.2.3:9797", true},
      {"[::1]", true},
      {"[::1]:9797", true},
      {"", false},
      {"evil.example", false},
      {"evil.example:9797", false},
      {"localhost.evil.example", false},
      {"evil.localhost.example:9797", false},
      {"127.0.0.1.evil.example", false},
      {"[evil.example]", false},
      {"[::1", false},
      {"::1", false},
      {"[]", false},
  };
  for (const auto& [host, want] : cases) EXPECT_EQ(IsOwnName(host), want) << host;
}

TEST(TokenIn, Table) {
  const std::pair<const char*, const char*> cases[] = {
      {"Bearer secret", "secret"},
      {"bearer  secret ", "secret"},
      {"Basic YW55OnNlY3JldA==", "secret"},   // any:secret
      {"basic OnNlY3JldA==", "secret"},       // :secret
      {"Basic YTpiOmM=", "b:c"},              // a:b:c
      {"Basic c2VjcmV0", ""},                 // secret: no user, no password
      {"Basic YW55OnNlY3JldA=!=", "secret"},  // what follows the padding does not count
      {"Basic ", ""},
      {"Basic !!!!", ""},
      {"Bearer ", ""},
      {"Bearer", ""},
      {"Digest secret", ""},
      {"secret", ""},
      {"", ""},
  };
  for (const auto& [header, want] : cases) EXPECT_EQ(TokenIn(header), want) << header;
}

class AccessTest : public ::testing::Test {
 protected:
  // The status that a request gets; 0 when it is let in.
  int StatusOf(const IncomingRequest& request, const std::string& token_file) {
    const std::optional<HttpResponse> refusal = Access(token_file, files_).Refuse(request);
    body_ = refusal ? refusal->body : "";
    return refusal ? refusal->status : 0;
  }
  IncomingRequest With(const std::string& token, const std::string& peer = "10.0.0.9") const {
    return {"node-1:9797", "Bearer " + token, peer};
  }

  PosixFileSystem files_;
  TemporaryDirectory directory_;
  std::string body_;
};

TEST_F(AccessTest, WithoutATokenOnlyThisMachineByItsOwnName) {
  EXPECT_EQ(StatusOf({"127.0.0.1:9797", "", "127.0.0.1"}, ""), 0);
  EXPECT_EQ(StatusOf({"localhost:9797", "", "::1"}, ""), 0);
  EXPECT_EQ(StatusOf({"127.0.0.1:9797", "", "10.0.0.9"}, ""), 403);
  EXPECT_THAT(body_, HasSubstr("http.token_file"));
  EXPECT_EQ(StatusOf({"evil.example:9797", "", "127.0.0.1"}, ""), 403);
  EXPECT_THAT(body_, HasSubstr("localhost"));
  EXPECT_EQ(StatusOf({"10.0.0.1:9797", "Bearer anything", "10.0.0.9"}, ""), 403);
}

TEST_F(AccessTest, TheTokenOpensFromAnywhereAndNothingElseDoes) {
  directory_.Append("token", " s3cret \n");
  const std::string file = directory_ / "token";
  EXPECT_EQ(StatusOf(With("s3cret"), file), 0);
  for (const char* wrong : {"", "s3cre", "s3cret2", "s3creT", "s3crets3cret", "x"}) {
    EXPECT_EQ(StatusOf(With(wrong), file), 401) << wrong;
    EXPECT_EQ(StatusOf(With(wrong, "127.0.0.1"), file), 401) << wrong;
  }
  EXPECT_EQ(StatusOf({"localhost", "", "127.0.0.1"}, file), 401);
}

TEST_F(AccessTest, ANewTokenCountsAtOnce) {
  directory_.Append("token", "old");
  const std::string file = directory_ / "token";
  EXPECT_EQ(StatusOf(With("old"), file), 0);
  std::filesystem::remove(file);
  directory_.Append("token", "new");
  EXPECT_EQ(StatusOf(With("old"), file), 401);
  EXPECT_EQ(StatusOf(With("new"), file), 0);
}

TEST_F(AccessTest, ATokenFileThatCannotBeUsedLetsNobodyIn) {
  directory_.Append("empty", " \n");
  directory_.Append("huge", std::string(10000, 'x'));
  for (const char* name : {"empty", "missing", "huge", "."}) {
    EXPECT_EQ(StatusOf(With(""), directory_ / name), 403) << name;
    EXPECT_EQ(StatusOf(With("", "127.0.0.1"), directory_ / name), 403) << name;
    EXPECT_THAT(body_, HasSubstr("http.token_file"));
  }
}

}  // namespace
}  // namespace hinomi
