#include "shipper/compress/zstd.h"

#include <gmock/gmock.h>

namespace hinomi {
namespace {

std::string Frame(std::initializer_list<std::string_view> parts, int level = 3) {
  ZstdCompressor compressor(level);
  return std::string(compressor.Compress(std::vector<std::string_view>(parts)));
}

// Given in pieces of `step` bytes.
Result<std::string> Content(std::string_view frames, size_t step = 7) {
  ZstdDecompressor decompressor;
  std::string content;
  for (; !frames.empty(); frames.remove_prefix(std::min(step, frames.size()))) {
    const Result<void> done =
        decompressor.Decompress(frames.substr(0, step), [&](std::string_view piece) {
          content += piece;
          return true;
        });
    if (!done) return done.error();
  }
  if (!decompressor.complete()) return Error{ErrorKind::kCorrupt, "incomplete"};
  return content;
}

TEST(Zstd, GivesBackWhatItWasGiven) {
  std::string large;
  for (uint32_t i = 0; i < 200'000; ++i) large += static_cast<char>(i * i % 251);
  for (const int level : {1, 3, 19}) {
    for (const std::string& content : {std::string(), std::string("a"), large}) {
      EXPECT_EQ(*Content(Frame({content}, level)), content);
      EXPECT_EQ(*Content(Frame({content}, level), 1 << 20), content);
    }
  }
  EXPECT_EQ(*Content(Frame({"one ", "", "two"})), "one two");
}

TEST(Zstd, ReusesItsContextForIndependentFrames) {
  ZstdCompressor compressor(1);
  std::string frames;
  const std::vector<std::string_view> first = {"first "};
  const std::vector<std::string_view> second = {"second"};
  frames += compressor.Compress(first);
  const size_t begin_of_second = frames.size();
  frames += compressor.Compress(second);
  EXPECT_EQ(*Content(frames), "first second");
  EXPECT_EQ(*Content(frames.substr(begin_of_second)), "second");
}

TEST(Zstd, PassesOverSkippableFrames) {
  const std::string skippable("\x55\x2a\x4d\x18\x03\0\0\0abc", 11);
  EXPECT_EQ(*Content(skippable + Frame({"x"}) + skippable), "x");
}

TEST(Zstd, NoticesDamage) {
  const std::string frame = Frame({"some content that is long enough to be there"});
  EXPECT_FALSE(Content(frame.substr(0, frame.size() - 1)).ok());
  for (size_t i = 4; i < frame.size(); ++i) {
    std::string damaged = frame;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    const Result<std::string> content = Content(damaged);
    EXPECT_FALSE(content.ok() && *content != *Content(frame)) << i;
  }
  EXPECT_FALSE(Content("no frame at all").ok());
}

}  // namespace
}  // namespace hinomi
