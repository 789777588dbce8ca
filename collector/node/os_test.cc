#include "collector/node/os.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Os, ParsesAsAShellDoes) {
  const Result<std::vector<OsField>> fields = ParseOsRelease(
      "# a comment\n\nNAME=\"Debian \\\"GNU\\\"\"\nID=debian\r\n  X='a\\b'\nY=\nZ=\"a'b\"'c'\n");
  ASSERT_TRUE(fields);
  EXPECT_EQ(
      *fields,
      (std::vector<OsField>{
          {"NAME", "Debian \"GNU\""}, {"ID", "debian"}, {"X", "a\\b"}, {"Y", ""}, {"Z", "a'bc"}}));
  for (const char* text : {"NAME\n", "NAME=\"a\n", "NAME='a\n"}) {
    EXPECT_FALSE(ParseOsRelease(text)) << text;
  }
}

TEST(Os, ParsesVersions) {
  EXPECT_EQ(ParseOsVersion("12"), 12);
  EXPECT_EQ(ParseOsVersion("22.04.1 LTS"), 22.04);
  EXPECT_EQ(ParseOsVersion("3."), 3);
  EXPECT_FALSE(ParseOsVersion(""));
  EXPECT_FALSE(ParseOsVersion("rolling"));
}

TEST(Os, ServesTheFirstOfTwoFiles) {
  const TestHost host;
  EXPECT_EQ(host.Rows(MakeOs), "");
  host.Write("/usr/lib/os-release", "ID=second\n");
  EXPECT_NE(host.Rows(MakeOs).find("id=\"second\""), std::string::npos);
  host.Write("/etc/os-release", "ID=a\nNAME=A\nVERSION_ID=\"3.1\"\n");
  EXPECT_EQ(host.Rows(MakeOs),
            "node_os_info{build_id=\"\",id=\"a\",id_like=\"\",image_id=\"\",image_version=\"\","
            "name=\"A\",pretty_name=\"\",variant=\"\",variant_id=\"\",version=\"\","
            "version_codename=\"\",version_id=\"3.1\"} 1\n"
            "node_os_version{id=\"a\",id_like=\"\",name=\"A\"} 3.1\n");
}

}  // namespace
}  // namespace hinomi
