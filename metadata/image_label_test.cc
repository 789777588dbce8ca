#include "metadata/image_label.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

// As BuildKit writes it, shortened.
constexpr std::string_view kDescription =
    R"({"architecture":"amd64","config":{"Env":["SECRET=hush"],"Labels":{"a":"b",)"
    R"("org.opencontainers.image.revision":"fc598063"},"org.opencontainers.image.revision":"no"},)"
    R"("rootfs":{"type":"layers"}})";

class ImageLabelTest : public testing::Test {
 protected:
  void Write(std::string_view store, char digit, std::string_view text) {
    const std::string path = directory_.path() + std::string(store) +
                             "/io.containerd.content.v1.content/blobs/sha256/" +
                             std::string(64, digit);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
  }
  std::string Revision(const std::string& id) {
    return ImageLabel(files_, directory_.path(), id, "org.opencontainers.image.revision");
  }
  static std::string Id(char digit) { return "sha256:" + std::string(64, digit); }

  TemporaryDirectory directory_;
  PosixFileSystem files_;
};

TEST_F(ImageLabelTest, IsReadWhereItsRuntimeKeepsIt) {
  Write("/var/lib/containerd", 'a', kDescription);
  Write("/var/lib/rancher/k3s/agent/containerd", 'b', kDescription);
  EXPECT_EQ(Revision(Id('a')), "fc598063");
  EXPECT_EQ(Revision(Id('b')), "fc598063");
}

TEST_F(ImageLabelTest, IsEmptyWhereNobodyKnows) {
  Write("/var/lib/containerd", 'a', kDescription.substr(0, 150));
  Write("/var/lib/containerd", 'b', R"({"config":{"Labels":null}})");
  Write("/var/lib/containerd", 'd',
        R"({"config":{"Labels":{"org.opencontainers.image.revision":1}}})");
  for (const std::string& id :
       {Id('a'), Id('b'), Id('c'), Id('d'), Id('A'), Id('.'), std::string("sha256:a"),
        std::string("sha256:"), std::string(), std::string("demo@") + Id('a')}) {
    EXPECT_EQ(Revision(id), "") << id;
  }
}

}  // namespace
}  // namespace hinomi
