#include "shipper/compress/gzip.h"

#include <gtest/gtest.h>
#include <isa-l/igzip_lib.h>

#include <random>
#include <string>
#include <vector>

namespace hinomi {
namespace {

/// What a gzip reader gets out of `compressed`; checks header, checksum, length and that nothing
/// follows.
std::string Inflate(std::string_view compressed, size_t size_max) {
  std::string out(size_max + 1, '\0');
  inflate_state state;
  isal_inflate_init(&state);
  state.crc_flag = ISAL_GZIP;
  state.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(compressed.data()));
  state.avail_in = static_cast<uint32_t>(compressed.size());
  state.next_out = reinterpret_cast<uint8_t*>(out.data());
  state.avail_out = static_cast<uint32_t>(out.size());
  EXPECT_EQ(isal_inflate(&state), ISAL_DECOMP_OK);
  EXPECT_EQ(state.block_state, ISAL_BLOCK_FINISH);
  EXPECT_EQ(state.avail_in, 0u);
  out.resize(state.total_out);
  return out;
}

std::string Noise(size_t size) {
  std::mt19937 random(42);
  std::string noise(size, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  return noise;
}

std::string Lines(size_t size) {
  std::string lines;
  for (int i = 0; lines.size() < size; ++i) {
    lines += R"({"create":{}}{"@timestamp":"2026-01-01T00:00:00Z","message":"request )" +
             std::to_string(i) + "\"}\n";
  }
  lines.resize(size);
  return lines;
}

TEST(GzipTest, RoundTrips) {
  GzipCompressor compressor;
  const std::string noise = Noise(10 << 20);
  const std::string lines = Lines(10 << 20);
  const std::vector<std::string_view> inputs = {"",
                                                "a",
                                                std::string_view("\0", 1),
                                                "hello hello hello",
                                                noise,
                                                lines,
                                                std::string_view(lines).substr(0, 65536),
                                                ""};
  for (std::string_view input : inputs) {
    const std::string_view parts[] = {input};
    const std::string_view compressed = compressor.Compress(parts);
    EXPECT_TRUE(Inflate(compressed, input.size()) == input) << input.size() << " bytes";
    EXPECT_LT(compressed.size(), input.size() + input.size() / 100 + 64);
  }
}

TEST(GzipTest, JoinsParts) {
  GzipCompressor compressor;
  const std::string lines = Lines(1 << 20);
  for (size_t step : {1u, 7u, 300u, 70000u}) {
    std::vector<std::string_view> parts = {""};
    const size_t size = step == 1 ? 5000 : lines.size();
    for (size_t at = 0; at < size; at += step) {
      parts.push_back(std::string_view(lines).substr(at, std::min(step, size - at)));
    }
    parts.push_back("");
    EXPECT_EQ(Inflate(compressor.Compress(parts), size), lines.substr(0, size))
        << "parts of " << step;
  }
  EXPECT_EQ(Inflate(compressor.Compress({}), 0), "");
}

TEST(GzipTest, CompressesLogLines) {
  GzipCompressor compressor;
  const std::string lines = Lines(1 << 20);
  const std::string_view parts[] = {lines};
  EXPECT_LT(compressor.Compress(parts).size(), lines.size() / 5);
}

TEST(GzipTest, ReusesItsBuffer) {
  GzipCompressor compressor;
  const std::string lines = Lines(1 << 20);
  const std::string_view parts[] = {lines};
  const char* first = compressor.Compress(parts).data();
  EXPECT_EQ(compressor.Compress(parts).data(), first);
}

}  // namespace
}  // namespace hinomi
