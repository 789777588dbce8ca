#include "shipper/sink/archive_reader.h"

#include <gmock/gmock.h>

#include "base/temporary_directory.h"
#include "shipper/compress/zstd.h"

namespace hinomi {
namespace {

std::string Frame(std::string_view content) {
  ZstdCompressor compressor(1);
  return std::string(compressor.Compress({&content, 1}));
}

std::string Flush(std::string_view content, const std::vector<ArchiveClaim>& claims) {
  const std::string frame = Frame(content);
  return EncodeArchiveLabel({frame.size(), claims}) + frame;
}

const ArchiveClaim kFirst = {1, 1, 0, 10};
const ArchiveClaim kSecond = {1, 1, 10, 30};

class ArchiveReaderTest : public ::testing::Test {
 protected:
  std::unique_ptr<File> FileOf(const std::string& bytes) {
    std::filesystem::remove(directory_ / "file");
    directory_.Append("file", bytes);
    return std::move(*files_.Open(directory_.path(), "file"));
  }
  ArchiveScan Scan(const std::string& bytes) { return *ScanArchiveFile(*FileOf(bytes)); }
  std::string Read(const std::string& bytes, uint64_t size) {
    std::string content;
    const Result<void> read = ReadArchiveFile(*FileOf(bytes), size, [&](std::string_view piece) {
      content += piece;
      return true;
    });
    return read ? content : "ERROR " + read.error().message;
  }

  TemporaryDirectory directory_;
  PosixFileSystem files_;
  const std::string first_ = Flush("first\n", {kFirst});
  const std::string second_ = Flush("second\n", {kSecond});
};

TEST(ArchiveCoverage, JoinsWhatTouches) {
  ArchiveCoverage coverage;
  EXPECT_FALSE(coverage.Covers(kFirst));
  coverage.Add({1, 1, 10, 20});
  coverage.Add({1, 1, 30, 40});
  EXPECT_TRUE(coverage.Covers({1, 1, 12, 20}));
  EXPECT_FALSE(coverage.Covers({1, 1, 9, 20}));
  EXPECT_FALSE(coverage.Covers({1, 1, 10, 21}));
  EXPECT_FALSE(coverage.Covers({1, 1, 15, 35}));
  EXPECT_FALSE(coverage.Covers({2, 1, 12, 20}));
  EXPECT_FALSE(coverage.Covers({1, 2, 12, 20}));
  EXPECT_TRUE(coverage.Touches({1, 1, 0, 11}));
  EXPECT_TRUE(coverage.Touches({1, 1, 0, 100}));
  EXPECT_TRUE(coverage.Touches({1, 1, 39, 100}));
  EXPECT_FALSE(coverage.Touches({1, 1, 0, 10}));
  EXPECT_FALSE(coverage.Touches({1, 1, 20, 30}));
  EXPECT_FALSE(coverage.Touches({1, 1, 40, 50}));
  EXPECT_FALSE(coverage.Touches({2, 1, 10, 20}));
  coverage.Add({1, 1, 20, 30});
  EXPECT_TRUE(coverage.Covers({1, 1, 10, 40}));
  coverage.Add({1, 1, 0, 100});
  EXPECT_TRUE(coverage.Covers({1, 1, 0, 100}));
  coverage.Add({1, 1, 50, 60});
  EXPECT_TRUE(coverage.Covers({1, 1, 0, 100}));
}

TEST_F(ArchiveReaderTest, FindsWhatAFileHolds) {
  EXPECT_EQ(Scan("").bytes, 0u);
  const ArchiveScan scan = Scan(first_ + second_);
  EXPECT_EQ(scan.claims, (std::vector{kFirst, kSecond}));
  EXPECT_EQ(scan.whole_bytes, scan.bytes);
  EXPECT_EQ(scan.tail, ArchiveTail::kNone);
  EXPECT_EQ(Read(first_ + second_, scan.bytes), "first\nsecond\n");
  const std::string many = Flush("x\n", std::vector<ArchiveClaim>(1000, kSecond));
  EXPECT_EQ(Scan(many + first_).claims.size(), 1001u);
}

TEST_F(ArchiveReaderTest, LeavesOutATornTailWhereverItIsTorn) {
  for (size_t size = 1; size < second_.size(); ++size) {
    for (const std::string& rest : {std::string(), std::string(second_.size() - size, '\0')}) {
      const ArchiveScan scan = Scan(first_ + second_.substr(0, size) + rest);
      // Zeros for the last bytes of the checksum are no damage if it ends with zeros.
      if (scan.tail == ArchiveTail::kNone && second_.ends_with('\0')) continue;
      EXPECT_EQ(scan.tail, ArchiveTail::kTorn) << size;
      EXPECT_EQ(scan.whole_bytes, first_.size()) << size;
      EXPECT_EQ(scan.claims, std::vector{kFirst}) << size;
    }
  }
  EXPECT_EQ(Scan(first_ + std::string(5000, '\0')).tail, ArchiveTail::kTorn);
}

TEST_F(ArchiveReaderTest, TellsDamageAndStrangersFromATornTail) {
  std::string damaged = first_ + second_ + first_;
  damaged[first_.size() + 30] ^= 1;  // in the second label
  EXPECT_EQ(Scan(damaged).tail, ArchiveTail::kForeign);
  EXPECT_EQ(Scan(damaged).whole_bytes, first_.size());
  const std::string far = Flush("x\n", std::vector<ArchiveClaim>(20'000, kSecond));
  damaged = first_ + far + second_;
  damaged[first_.size() + 30] ^= 1;
  EXPECT_EQ(Scan(damaged).tail, ArchiveTail::kForeign) << "the next label is blocks away";
  EXPECT_EQ(Scan(Frame("recompressed\n")).tail, ArchiveTail::kForeign);
  EXPECT_EQ(Scan(first_ + Frame("appended\n")).tail, ArchiveTail::kForeign);
  EXPECT_EQ(Read(first_ + Frame("appended\n"), 1 << 20),
            "ERROR cannot decompress a frame: it ends too early");
}

TEST_F(ArchiveReaderTest, ReadsAnyZstdDataAndSaysWhatIsWrong) {
  const std::string strange = Frame("a\n") + first_ + Frame("b\n");
  EXPECT_EQ(Read(strange, strange.size()), "a\nfirst\nb\n");
  EXPECT_THAT(Read("plain text", 10), ::testing::StartsWith("ERROR cannot decompress"));
  EXPECT_THAT(Read(first_, first_.size() - 1), ::testing::StartsWith("ERROR cannot decompress"));
}

}  // namespace
}  // namespace hinomi
