// The record path as a worker runs it, from the bytes of a log to a batch: no allocation per
// record.
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "base/count_allocations.h"
#include "shipper/codec/multiline.h"
#include "shipper/encode/ecs.h"
#include "shipper/encode/otlp.h"
#include "shipper/sink/otlp_request.h"
#include "shipper/transform/json_body.h"

namespace hinomi {
namespace {

std::string MixedCriLog(int lines) {
  const std::string head = "2026-01-02T03:04:05.123456789Z stdout ";
  std::string bytes;
  for (int i = 0; i < lines; ++i) {
    const std::string n = std::to_string(i);
    bytes += head + "F {\"level\":\"info\",\"n\":" + n + ",\"http\":{\"status\":200}}\n";
    bytes += head + "F {\"@timestamp\":\"own\",\"n\":" + n + "}\n";
    bytes += head + "F {\"n\":1,\"n\":" + n + "}\n";
    bytes += head + "P first part, \nnot a CRI line\n" + head + "F \"second\" part\n";
    bytes += head + "F caf\xe9 \xff " + n + "\n";
  }
  return bytes;
}

std::string MixedJsonFileLog(int lines) {
  const std::string tail = R"(","stream":"stdout","time":"2026-01-02T03:04:05.123456789Z"})"
                           "\n";
  std::string bytes;
  for (int i = 0; i < lines; ++i) {
    const std::string n = std::to_string(i);
    bytes +=
        R"({"log":"{\"level\":\"info\",\"n\":)" + n + R"(,\"http\":{\"status\":200}}\n)" + tail;
    bytes += R"({"log":"{\"@timestamp\":\"own\",\"n\":)" + n + R"(}\n)" + tail;
    bytes += R"({"log":"{\"n\":1,\"n\":)" + n + R"(}\n)" + tail;
    bytes += R"({"log":"first part, )" + tail + "no json\n" + R"({"log":"second \u20ac\n)" + tail;
    bytes += R"({"log":"plain )" + n + R"(\n)" + tail;
  }
  return bytes;
}

class RecordPath : public ::testing::TestWithParam<LogFormat> {};

INSTANTIATE_TEST_SUITE_P(Formats, RecordPath,
                         ::testing::Values(LogFormat::kCri, LogFormat::kJsonFile));

TEST_P(RecordPath, AllocatesNothingInTheSteadyState) {
  const bool cri = GetParam() == LogFormat::kCri;
  std::string bytes = cri ? MixedCriLog(200) : MixedJsonFileLog(200);
  const size_t size = bytes.size();
  bytes.append(Chunk::kPadding, '\n');
  const ChunkPiece piece{0, 1, 0, std::string_view(bytes).substr(0, size), false};
  const Chunk chunk{{&piece, 1}, {}, false, false};
  const EcsEncoder encoder(
      {RecordFormat::kBulk, "demo", "node-1", "logs-{namespace}-{year}.{day}"});
  const Origin origin;
  const std::string metadata = encoder.Metadata(origin);
  LeaseIndex index;
  index.Begin(encoder.indices(), origin.pod);
  Decoded decoded;
  JsonBody json_body;
  Batch batch;
  const auto lease = [&] {
    Decode(GetParam(), chunk, {256 << 10}, &decoded);
    json_body.Apply(decoded.records);
    batch.Clear();
    for (const Record& record : decoded.records)
      encoder.Append(record, {origin, metadata, 0, Duration{0}, index.At(record.time)}, &batch);
  };
  const uint64_t before_first = AllocationsSoFar();
  lease();
  EXPECT_GT(AllocationsSoFar(), before_first);  // so they are counted
  lease();
  const uint64_t before = AllocationsSoFar();
  for (int i = 0; i < 50; ++i) lease();
  EXPECT_EQ(AllocationsSoFar(), before);
  EXPECT_EQ(batch.records.size(), 1000u);
  EXPECT_EQ(decoded.corrupt_lines, 200u);
}

TEST_P(RecordPath, OtlpAllocatesNothingPerRecord) {
  const bool cri = GetParam() == LogFormat::kCri;
  std::string bytes = cri ? MixedCriLog(200) : MixedJsonFileLog(200);
  const size_t size = bytes.size();
  bytes.append(Chunk::kPadding, '\n');
  const ChunkPiece piece{0, 1, 0, std::string_view(bytes).substr(0, size), false};
  const Chunk chunk{{&piece, 1}, {}, false, false};
  const OtlpEncoder encoder({"demo", "node-1"});
  const Origin origin;
  const std::string metadata = encoder.Metadata(origin);
  Decoded decoded;
  Batch batch;
  OtlpRequest request;
  std::vector<uint32_t> numbers(1000);
  std::iota(numbers.begin(), numbers.end(), 0u);
  const auto lease = [&] {
    Decode(GetParam(), chunk, {256 << 10}, &decoded);
    batch.Clear();
    batch.slices.resize(1);
    for (const Record& record : decoded.records)
      encoder.Append(record, {origin, metadata, 0}, &batch);
    EXPECT_EQ(request.Assemble(batch, numbers).size(), 4u) << "in pieces";
  };
  lease();
  lease();
  const uint64_t before = AllocationsSoFar();
  for (int i = 0; i < 50; ++i) lease();
  EXPECT_EQ(AllocationsSoFar(), before);
  EXPECT_EQ(batch.records.size(), 1000u);
}

std::string JavaLog(int traces) {
  std::string bytes;
  for (int i = 0; i < traces; ++i) {
    for (const char* body : {"an ordinary line", "java.lang.Error: no amount",
                             "\tat Shop.pay(Shop.java:6)", "\t... 2 more"}) {
      const char* stream = i % 3 == 0 ? "stderr" : "stdout";
      bytes += std::string("2026-01-02T03:04:05.123456789Z ") + stream + " F " + body + "\n";
    }
  }
  return bytes;
}

TEST(RecordPath, JoiningLinesAllocatesNothingInTheSteadyState) {
  std::string bytes = JavaLog(500);
  const size_t size = bytes.size();
  bytes.append(Chunk::kPadding, '\n');
  const ChunkPiece piece{0, 1, 0, std::string_view(bytes).substr(0, size), false};
  const Chunk chunk{{&piece, 1}, {}, false, false};
  MultilineConfig java;
  java.preset = MultilinePreset::kJava;
  Multiline multiline({java}, {256 << 10});
  Decoded decoded;
  multiline.Decode(0, LogFormat::kCri, chunk, &decoded);
  const uint64_t before = AllocationsSoFar();
  for (int i = 0; i < 50; ++i) multiline.Decode(0, LogFormat::kCri, chunk, &decoded);
  EXPECT_EQ(AllocationsSoFar(), before);
  EXPECT_GT(decoded.records.size(), 990u);
}

}  // namespace
}  // namespace hinomi
