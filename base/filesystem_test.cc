#include "base/filesystem.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

TEST(PosixFileSystem, ResolvesLinksBelowTheHostRoot) {
  const TemporaryDirectory root;
  PosixFileSystem files;
  fs::create_directories(root / "data/pods");
  fs::create_directories(root / "var");
  fs::create_symlink("/data", root / "var/log");  // absolute: as the host sees it
  fs::create_symlink("../data/pods", root / "var/relative");
  fs::create_symlink("loop", root / "loop");
  fs::create_symlink("../../../../etc", root / "out");

  EXPECT_EQ(*files.Resolve(root.path(), "/var/log/pods"), root / "data/pods");
  EXPECT_EQ(*files.Resolve(root.path(), "/var/relative"), root / "data/pods");
  EXPECT_FALSE(files.Resolve(root.path(), "/loop").ok());
  EXPECT_FALSE(files.Resolve(root.path(), "/missing").ok());
  // ".." does not lead out of the root.
  EXPECT_FALSE(files.Resolve(root.path(), "/out").ok());
  EXPECT_EQ(*files.Resolve("/", "/usr/../etc"), "/etc");
}

TEST(PosixFileSystem, OpensNothingThroughLinks) {
  const TemporaryDirectory root;
  PosixFileSystem files;
  root.Append("pods/a/0.log", "hello");
  root.Append("secret/0.log", "secret");
  fs::create_symlink(root / "secret/0.log", root / "pods/a/1.log");
  fs::create_symlink(root / "secret", root / "pods/b");
  CHECK(mkfifo((root / "pods/a/2.log").c_str(), 0600) == 0);
  fs::create_directories(root / "pods/a/3.log");

  EXPECT_TRUE(files.Open(root / "pods", "a/0.log").ok());
  EXPECT_FALSE(files.Open(root / "pods", "a/1.log").ok()) << "a link as the last component";
  EXPECT_FALSE(files.Open(root / "pods", "b/0.log").ok()) << "a link on the way";
  EXPECT_FALSE(files.List(root / "pods", "b").ok());
  EXPECT_THAT(files.Open(root / "pods", "a/2.log").error().message,
              HasSubstr("not a regular file"));
  EXPECT_THAT(files.Open(root / "pods", "a/3.log").error().message,
              HasSubstr("not a regular file"));
  EXPECT_EQ(files.Stat(root / "pods", "a/1.log")->kind, FileKind::kLink);
  EXPECT_EQ(files.List(root / "pods", "a")->size(), 4u);
}

TEST(PosixFileSystem, ReadsWhereverAskedAndShortOnlyAtTheEnd) {
  const TemporaryDirectory root;
  PosixFileSystem files;
  root.Append("log", "0123456789");
  const std::unique_ptr<File> file = std::move(*files.Open(root.path(), "log"));
  char out[16] = {};
  EXPECT_EQ(*file->ReadAt(4, out, 3), 3u);
  EXPECT_EQ(std::string_view(out, 3), "456");
  EXPECT_EQ(*file->ReadAt(8, out, 16), 2u);
  EXPECT_EQ(*file->ReadAt(20, out, 16), 0u);
  EXPECT_EQ(file->Stat()->size, 10u);
}

TEST(PosixFileSystem, WritesAndLocks) {
  const TemporaryDirectory root;
  PosixFileSystem files;
  EXPECT_TRUE(files.MakeDirectories(root / "state/deep").ok());
  EXPECT_TRUE(files.WriteSynced(root / "state/file", "a longer text").ok());
  EXPECT_TRUE(files.WriteSynced(root / "state/file", "short").ok());
  EXPECT_EQ(*files.ReadWhole(root / "state/file", 100), "short");
  EXPECT_FALSE(files.ReadWhole(root / "state/file", 3).ok());

  Result<std::unique_ptr<FileLock>> first = files.Lock(root / "lock");
  ASSERT_TRUE(first.ok());
  const Result<std::unique_ptr<FileLock>> second = files.Lock(root / "lock");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, ErrorKind::kTransient);
  first->reset();
  EXPECT_TRUE(files.Lock(root / "lock").ok());
}

TEST(PosixFileSystem, LocksADirectory) {
  const TemporaryDirectory root;
  PosixFileSystem files;
  Result<std::unique_ptr<FileLock>> first = files.Lock(root.path());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(files.Lock(root.path()).error().kind, ErrorKind::kTransient);
  first->reset();
  EXPECT_TRUE(files.Lock(root.path()).ok());
}

TEST(PosixFileSystem, ChangesFilesInPlace) {
  const TemporaryDirectory root;
  PosixFileSystem files;
  const std::unique_ptr<WritableFile> file = std::move(*files.OpenWritable(root / "file"));
  EXPECT_TRUE(file->WriteAt(0, "0123456789").ok());
  EXPECT_TRUE(file->WriteAt(8, "abcd").ok());
  EXPECT_TRUE(file->Truncate(11).ok());
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_TRUE(files.SyncDirectory(root.path()).ok());
  EXPECT_EQ(*files.ReadWhole(root / "file", 100), "01234567abc");
  EXPECT_EQ((*files.OpenWritable(root / "file"))->Stat()->size, 11u) << "it is kept";

  EXPECT_TRUE(files.Rename(root / "file", root / "other").ok());
  EXPECT_FALSE(files.Exists(root / "file"));
  EXPECT_EQ(files.Rename(root / "file", root / "other").error().code, ENOENT);
  EXPECT_TRUE(files.Remove(root / "other").ok());
  EXPECT_EQ(files.Remove(root / "other").error().code, ENOENT);
  EXPECT_EQ(files.SyncDirectory(root / "missing").error().code, ENOENT);

  fs::create_symlink("target", root / "link");
  fs::create_directory(root / "directory");
  CHECK(mkfifo((root / "pipe").c_str(), 0600) == 0);
  for (const char* name : {"link", "directory", "pipe"}) {
    EXPECT_FALSE(files.OpenWritable(root / name).ok()) << name;
  }
}

TEST(PosixFileSystem, LinksTheFileAndNotWhatHasItsNameNow) {
  const TemporaryDirectory root;
  PosixFileSystem files;
  root.Append("0.log", "first");
  const std::unique_ptr<File> file = std::move(*files.Open(root.path(), "0.log"));
  EXPECT_TRUE(files.Rename(root / "0.log", root / "0.log.old").ok());
  root.Append("0.log", "second");
  EXPECT_TRUE(file->LinkTo(root / "held").ok());
  EXPECT_EQ(*files.ReadWhole(root / "held", 100), "first");
  EXPECT_EQ(file->Stat()->links, 2u);
  EXPECT_GT(file->Stat()->allocated_bytes, 0u);
  EXPECT_EQ(file->LinkTo(root / "held").error().code, EEXIST);
  EXPECT_EQ(file->LinkTo("/proc/held").error().kind, ErrorKind::kIo);

  fs::create_directory(root / "empty");
  EXPECT_TRUE(files.Remove(root / "empty").ok());
}

TEST(PosixFileSystem, TellsTheSpaceOfADisk) {
  const TemporaryDirectory root;
  const Result<DiskSpace> space = PosixFileSystem().SpaceOf(root.path());
  ASSERT_TRUE(space.ok());
  EXPECT_GT(space->total, 0u);
  EXPECT_LE(space->available, space->total);
  EXPECT_EQ(PosixFileSystem().SpaceOf(root / "missing").error().code, ENOENT);
}

}  // namespace
}  // namespace hinomi
