#include "base/file_stamps.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

TEST(FileStampsTest, SeesEveryWayOfReplacingAFile) {
  PosixFileSystem files;
  const TemporaryDirectory directory;
  directory.Append("secret", "one");
  FileStamps stamps(files, {directory / "secret", "", directory / "later"});
  EXPECT_FALSE(stamps.Changed());
  directory.Append("secret", "!");
  EXPECT_TRUE(stamps.Changed());
  EXPECT_FALSE(stamps.Changed());
  directory.Append("new", "one!");
  directory.Rename("new", "secret");
  EXPECT_TRUE(stamps.Changed());
  directory.Append("later", "");
  EXPECT_TRUE(stamps.Changed());
  std::filesystem::remove(directory / "later");
  EXPECT_TRUE(stamps.Changed());
  EXPECT_FALSE(stamps.Changed());
}

// As the kubelet updates a secret: the files are links through one that is replaced.
TEST(FileStampsTest, FollowsLinks) {
  PosixFileSystem files;
  const TemporaryDirectory directory;
  directory.Append("v1/secret", "one");
  directory.Append("v2/secret", "two");
  std::filesystem::create_symlink("v1", directory / "data");
  std::filesystem::create_symlink("data/secret", directory / "secret");
  FileStamps stamps(files, {directory / "secret"});
  std::filesystem::create_symlink("v2", directory / "new");
  EXPECT_FALSE(stamps.Changed());
  directory.Rename("new", "data");
  EXPECT_TRUE(stamps.Changed());
}

}  // namespace
}  // namespace hinomi
