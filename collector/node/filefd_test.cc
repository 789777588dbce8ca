#include "collector/node/filefd.h"

#include <gtest/gtest.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

TEST(Filefd, Parses) {
  const Result<FileDescriptors> files = ParseFileNr("1024\t0\t9223372036854775807\n");
  ASSERT_TRUE(files);
  EXPECT_EQ(*files, (FileDescriptors{1024, 9223372036854775807}));
}

TEST(Filefd, RefusesWhatIsNone) {
  for (const char* text : {"", "1 2\n", "1 2 3 4\n", "1 2 x\n"}) {
    EXPECT_FALSE(ParseFileNr(text)) << text;
  }
}

TEST(Filefd, Serves) {
  const TestHost host;
  host.Write("/proc/sys/fs/file-nr", "1024\t0\t4096\n");
  EXPECT_EQ(host.Rows(MakeFilefd), "node_filefd_allocated 1024\nnode_filefd_maximum 4096\n");
}

}  // namespace
}  // namespace hinomi
