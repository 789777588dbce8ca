#include "shipper/compress/gunzip_file.h"

#include <gtest/gtest.h>

#include <random>

#include "base/temporary_directory.h"
#include "shipper/compress/gzip.h"

namespace hinomi {
namespace {

std::string Gzip(const std::string& content) {
  GzipCompressor compressor;
  const std::string_view part = content;
  return std::string(compressor.Compress({&part, 1}));
}

std::string Lines(size_t bytes, unsigned seed) {
  std::minstd_rand random(seed);
  std::string text;
  while (text.size() < bytes) text += "line " + std::to_string(random()) + "\n";
  text.resize(bytes);
  return text;
}

class GunzipFileTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<GunzipFile>> Open(const std::string& compressed) {
    const std::string name = "file" + std::to_string(++files_made_);
    root_.Append(name, compressed);
    return GunzipFile::Open(std::move(*files_.Open(root_.path(), name)), cursors_);
  }

  TemporaryDirectory root_;
  PosixFileSystem files_;
  GunzipCursors cursors_{2};
  int files_made_ = 0;
};

TEST_F(GunzipFileTest, ReadsAnywhere) {
  const std::string content = Lines(300'000, 1);
  std::unique_ptr<GunzipFile> file = std::move(*Open(Gzip(content)));
  EXPECT_EQ(file->Stat()->size, content.size());
  std::string buffer(content.size(), '\0');
  for (const auto& [offset, size] : std::vector<std::pair<size_t, size_t>>{{0, 10},
                                                                           {10, 100'000},
                                                                           {200'000, 50'000},
                                                                           {5, 5},
                                                                           {100'010, 1000},
                                                                           {299'999, 10},
                                                                           {300'000, 10},
                                                                           {400'000, 10},
                                                                           {0, 300'000},
                                                                           {0, 400'000}}) {
    buffer.assign(size, '?');
    const Result<size_t> count = file->ReadAt(offset, buffer.data(), size);
    ASSERT_TRUE(count.ok()) << offset;
    const std::string want = offset < content.size() ? content.substr(offset, size) : "";
    EXPECT_EQ(buffer.substr(0, *count), want) << offset << " " << size;
  }
}

TEST_F(GunzipFileTest, SharesFewCursorsAmongManyFiles) {
  std::vector<std::unique_ptr<GunzipFile>> files;
  for (unsigned i = 0; i < 5; ++i) files.push_back(std::move(*Open(Gzip(Lines(50'000, i)))));
  std::string buffer(1000, '\0');
  for (size_t offset = 0; offset < 50'000; offset += 1000) {
    for (unsigned i = 0; i < files.size(); ++i) {
      ASSERT_EQ(*files[i]->ReadAt(offset, buffer.data(), buffer.size()), buffer.size());
      EXPECT_EQ(buffer, Lines(50'000, i).substr(offset, 1000));
    }
    if (offset == 20'000) files.pop_back();
  }
}

TEST_F(GunzipFileTest, ReadsAnEmptyOneAndALargeOne) {
  std::unique_ptr<GunzipFile> empty = std::move(*Open(Gzip("")));
  EXPECT_EQ(empty->Stat()->size, 0u);
  char byte = 0;
  EXPECT_EQ(*empty->ReadAt(0, &byte, 1), 0u);
  const std::string content = Lines(12 << 20, 7);
  const std::string compressed = Gzip(content);
  ASSERT_GT(compressed.size(), 4u << 20);
  EXPECT_EQ((*Open(compressed))->Stat()->size, content.size());
}

TEST_F(GunzipFileTest, TellsDamageAndNeverReadsOn) {
  const std::string content = Lines(100'000, 3);
  const std::string good = Gzip(content);
  // As a reader does it: as much as the file says it holds.
  const auto read = [&](const std::string& compressed) -> Result<std::string> {
    const Result<std::unique_ptr<GunzipFile>> file = Open(compressed);
    if (!file) return file.error();
    std::string out(std::min<uint64_t>((*file)->Stat()->size, 1 << 20), '\0');
    const Result<size_t> count = (*file)->ReadAt(0, out.data(), out.size());
    if (!count) return count.error();
    return out;
  };
  EXPECT_EQ(*read(good), content);
  for (size_t size : {size_t{0}, size_t{5}, size_t{17}, good.size() / 2, good.size() - 1}) {
    const Result<std::string> out = read(good.substr(0, size));
    ASSERT_FALSE(out.ok()) << size;
    EXPECT_EQ(out.error().kind, ErrorKind::kCorrupt) << size;
  }
  int refused = 0;
  for (size_t at = 10; at < good.size(); at += 97) {  // the header's time and system do not matter
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    const Result<std::string> out = read(bad);
    EXPECT_TRUE(!out || *out == content) << at;
    refused += out ? 0 : 1;
  }
  EXPECT_GT(refused, 100);
  EXPECT_EQ(Open("2026-01-01T00:00:00Z stdout F as if it were a log\n").error().kind,
            ErrorKind::kCorrupt);
  EXPECT_FALSE(read(good + Gzip(Lines(100, 4))).ok()) << "nobody writes two members";
}

}  // namespace
}  // namespace hinomi
