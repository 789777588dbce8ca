#include "bench/race/inflate.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <array>

#include "shipper/compress/gzip.h"

namespace hinomi::race {
namespace {

std::string Zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
  return out;
}

std::string Gzip(std::string_view text) {
  GzipCompressor gzip;
  const std::array<std::string_view, 1> parts = {text};
  return std::string(gzip.Compress(parts));
}

TEST(Inflater, GivesBackWhatWasCompressed) {
  Inflater inflater;
  for (const size_t bytes : {size_t{0}, size_t{5}, size_t{20} << 20}) {
    const std::string text(bytes, 'x');
    EXPECT_EQ(inflater.Inflate("", text), text);
    EXPECT_EQ(inflater.Inflate("gzip", Gzip(text)), text);
    EXPECT_EQ(inflater.Inflate("zstd", Zstd(text)), text);
  }
  EXPECT_EQ(inflater.Inflate("zstd", Zstd("two ") + Zstd("frames")), "two frames");
}

TEST(Inflater, TakesNothingThatIsCutOrOfAnotherEncoding) {
  Inflater inflater;
  const std::string text(100'000, 'x');
  EXPECT_FALSE(inflater.Inflate("br", text));
  EXPECT_FALSE(inflater.Inflate("gzip", text));
  EXPECT_FALSE(inflater.Inflate("zstd", text));
  const std::string gzip = Gzip(text), zstd = Zstd(text);
  EXPECT_FALSE(inflater.Inflate("gzip", std::string_view(gzip).substr(0, gzip.size() / 2)));
  EXPECT_FALSE(inflater.Inflate("zstd", std::string_view(zstd).substr(0, zstd.size() / 2)));
}

}  // namespace
}  // namespace hinomi::race
