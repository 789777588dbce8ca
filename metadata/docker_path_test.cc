#include "metadata/docker_path.h"

#include <gtest/gtest.h>

#include <vector>

namespace hinomi {
namespace {

const std::string kId = "0f51a21f08250abdb521547095c07e8adb8db4d4005912c61bab2686e01d8402";

TEST(IsDockerId, Table) {
  EXPECT_TRUE(IsDockerId(kId));
  for (const std::string& bad : {std::string(), kId.substr(1), kId + "0", "G" + kId.substr(1),
                                 "A" + kId.substr(1), "/" + kId.substr(1)}) {
    EXPECT_FALSE(IsDockerId(bad)) << bad;
  }
}

TEST(ParseJsonLogFile, Table) {
  struct Case {
    std::string name;
    std::optional<uint32_t> rotation;
    bool compressed;
  };
  const std::string log = kId + "-json.log";
  const std::vector<Case> cases = {
      {log, 0, false},
      {log + ".1", 1, false},
      {log + ".12", 12, false},
      {log + ".1.gz", 1, true},
      {log + ".0", {}, false},
      {log + ".01", {}, false},
      {log + ".", {}, false},
      {log + ".gz", {}, false},
      {log + ".1.gz.tmp", {}, false},
      {log + ".-1", {}, false},
      {log + ".99999999999", {}, false},
      {log + "1", {}, false},
      {"config.v2.json", {}, false},
      {"1" + log, {}, false},
      {"", {}, false},
  };
  for (const Case& c : cases) {
    const std::optional<JsonLogFile> file = ParseJsonLogFile(c.name, kId);
    ASSERT_EQ(file.has_value(), c.rotation.has_value()) << c.name;
    if (!file) continue;
    EXPECT_EQ(file->rotation, *c.rotation) << c.name;
    EXPECT_EQ(file->compressed, c.compressed) << c.name;
  }
}

TEST(DockerIdOfLog, Table) {
  const std::string path = "containers/" + kId + "/" + kId + "-json.log";
  EXPECT_EQ(DockerIdOfLog(path), kId);
  const std::string other = "1" + kId.substr(1);
  for (const std::string& bad : {std::string(), path + ".1", "x/" + path, path.substr(11),
                                 "containers/" + other + "/" + kId + "-json.log",
                                 "containers/" + kId, std::string("containers/x/x-json.log")}) {
    EXPECT_EQ(DockerIdOfLog(bad), "") << bad;
  }
}

}  // namespace
}  // namespace hinomi
