// The record path on one core, each stage alone and all together: CRI lines of a JSON application
// log, 237 B on average, to a compressed bulk body with full metadata, or to a request of OTLP.
// Items are records, bytes are those of the log.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "shipper/codec/cri.h"
#include "shipper/codec/multiline.h"
#include "shipper/compress/gzip.h"
#include "shipper/encode/ecs.h"
#include "shipper/encode/otlp.h"
#include "shipper/sink/otlp_request.h"
#include "shipper/transform/json_body.h"

namespace hinomi {
namespace {

constexpr size_t kLeaseBytes = 512 << 10;
constexpr size_t kBatchBytes = 2 << 20;

std::string JsonBodyOf(std::mt19937& random, uint32_t sequence) {
  constexpr std::array kLevels = {"info", "info", "info", "debug", "warn", "error"};
  constexpr std::array kPaths = {"/api/v1/cart", "/api/v1/orders", "/healthz",
                                 "/api/v1/products/search"};
  constexpr std::array kTexts = {"request completed", "cache miss, asking the database",
                                 "payment accepted"};
  return fmt::format(
      R"({{"level":"{}","msg":"{}","method":"GET","path":"{}","status":{},"duration_ms":{}.{},"trace_id":"{:016x}",)"
      R"("user":"u{}","region":"ap-north-1","seq":{}}})",
      kLevels[random() % kLevels.size()], kTexts[random() % kTexts.size()],
      kPaths[random() % kPaths.size()], random() % 50 == 0 ? 500 : 200, random() % 900,
      random() % 1000, uint64_t{random()} << 32 | random(), random() % 100000, sequence);
}

std::string TextBodyOf(std::mt19937& random, uint32_t sequence) {
  return fmt::format(
      "10.1.{}.{} - - \"GET /products/{}?page={} HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0 (X11; Linux "
      "x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\" rt={}.{} upstream=10.2.3.{}:8080 seq={} "
      "cache=MISS",
      random() % 256, random() % 256, random() % 10000, random() % 9, random() % 100000,
      random() % 3, random() % 1000, random() % 256, sequence);
}

/// One trace of eight lines behind every twenty lines of text.
std::string JavaBodyOf(std::mt19937& random, uint32_t sequence) {
  const uint32_t line = sequence % 28;
  if (line < 20) return TextBodyOf(random, sequence);
  if (line == 20) return "java.lang.IllegalStateException: cannot pay: no amount was given";
  return fmt::format("\tat com.example.shop.checkout.PaymentService.pay(PaymentService.java:{})",
                     random() % 1000);
}

/// A lease of a log, as a source reads it.
struct Input {
  std::string bytes;
  ChunkPiece piece;
  Chunk chunk;
  size_t size = 0;

  template <typename Body>
  explicit Input(Body body_of) {
    std::mt19937 random(1);
    for (uint32_t sequence = 0; bytes.size() < kLeaseBytes; ++sequence) {
      bytes += fmt::format("2026-01-02T03:04:{:02}.{:09}Z stdout F {}\n", sequence / 1000 % 60,
                           random() % 1000000000, body_of(random, sequence));
    }
    size = bytes.size();
    bytes.append(Chunk::kPadding, '\n');
    piece = {0, 1, 0, std::string_view(bytes).substr(0, size), false};
    chunk.pieces = {&piece, 1};
  }
};

/// What a worker keeps.
struct Path {
  Input input;
  EcsEncoder encoder{
      {RecordFormat::kBulk, "production", "node-17", "logs-kubernetes.container_logs-default"}};
  Origin origin;
  std::string metadata;
  Decoded decoded;
  JsonBody json_body;
  Batch batch;
  GzipCompressor gzip;

  template <typename Body>
  explicit Path(Body body_of) : input(body_of) {
    origin.pod = {"shop",
                  "checkout-7d9f8b6c5-x2x4z",
                  "0b1c8e6a-5b1f-4c3e-9d52-6a0a4f2f7c11",
                  "checkout",
                  0,
                  "checkout",
                  "Deployment"};
    origin.path =
        "/var/log/pods/shop_checkout-7d9f8b6c5-x2x4z_0b1c8e6a-5b1f-4c3e-9d52-6a0a4f2f7c11/checkout/"
        "0.log";
    metadata = encoder.Metadata(origin);
    Decode();
  }
  void Decode() { DecodeCri(input.chunk, {256 << 10}, &decoded); }
  void Transform() { json_body.Apply(decoded.records); }
  void Encode() {
    for (const Record& record : decoded.records)
      encoder.Append(record, {origin, metadata, 0}, &batch);
  }
  size_t Compress() {
    const std::string_view body = batch.bytes;
    return gzip.Compress({&body, 1}).size();
  }
  void Report(benchmark::State& state) const {
    const auto leases = static_cast<int64_t>(state.iterations());
    state.SetItemsProcessed(leases * static_cast<int64_t>(decoded.records.size()));
    state.SetBytesProcessed(leases * static_cast<int64_t>(input.size));
    state.counters["line_bytes"] =
        static_cast<double>(input.size) / static_cast<double>(decoded.records.size());
  }
};

template <typename Body>
void Decode(benchmark::State& state, Body body_of) {
  Path path(body_of);
  for (auto _ : state) path.Decode();
  path.Report(state);
}
BENCHMARK_CAPTURE(Decode, json, JsonBodyOf);
BENCHMARK_CAPTURE(Decode, java, JavaBodyOf);

/// Items are lines.
template <typename Body>
void Blocks(benchmark::State& state, Body body_of) {
  Path path(body_of);
  MultilineConfig java;
  java.preset = MultilinePreset::kJava;
  Multiline multiline({java}, {256 << 10});
  Decoded blocks;
  for (auto _ : state) multiline.Decode(0, LogFormat::kCri, path.input.chunk, &blocks);
  path.Report(state);
  state.counters["blocks_per_line"] =
      static_cast<double>(blocks.records.size()) / static_cast<double>(path.decoded.records.size());
}
BENCHMARK_CAPTURE(Blocks, json, JsonBodyOf);
BENCHMARK_CAPTURE(Blocks, java, JavaBodyOf);

void Transform(benchmark::State& state) {
  Path path(JsonBodyOf);
  const std::vector<Record> records = path.decoded.records;
  for (auto _ : state) {
    path.decoded.records = records;
    path.Transform();
  }
  path.Report(state);
}
BENCHMARK(Transform);

template <typename Body>
void Encode(benchmark::State& state, Body body_of) {
  Path path(body_of);
  path.Transform();
  for (auto _ : state) {
    path.batch.Clear();
    path.Encode();
  }
  path.Report(state);
}
BENCHMARK_CAPTURE(Encode, json, JsonBodyOf);
BENCHMARK_CAPTURE(Encode, text, TextBodyOf);

/// Once per log: what is constant in its documents.
void MetadataOfLog(benchmark::State& state) {
  Path path(JsonBodyOf);
  for (auto _ : state) benchmark::DoNotOptimize(path.encoder.Metadata(path.origin));
}
BENCHMARK(MetadataOfLog);

void Compress(benchmark::State& state) {
  Path path(JsonBodyOf);
  path.Transform();
  path.Encode();
  size_t wire = 0;
  for (auto _ : state) wire = path.Compress();
  path.Report(state);
  state.counters["ratio"] =
      static_cast<double>(path.batch.bytes.size()) / static_cast<double>(wire);
}
BENCHMARK(Compress);

template <typename Body>
void Whole(benchmark::State& state, Body body_of) {
  Path path(body_of);
  for (auto _ : state) {
    path.Decode();
    path.Transform();
    path.Encode();
    if (path.batch.bytes.size() < kBatchBytes) continue;
    benchmark::DoNotOptimize(path.Compress());
    path.batch.Clear();
  }
  path.Report(state);
}
BENCHMARK_CAPTURE(Whole, json, JsonBodyOf);
BENCHMARK_CAPTURE(Whole, text, TextBodyOf);

/// The same to OTLP: bodies stay as they are, and a slice's records share a resource.
struct OtlpPath : Path {
  OtlpEncoder otlp{{"production", "node-17"}};
  OtlpRequest request;
  std::vector<uint32_t> numbers;

  template <typename Body>
  explicit OtlpPath(Body body_of) : Path(body_of) {
    metadata = otlp.Metadata(origin);
  }
  void Encode() {
    const auto slice = static_cast<uint32_t>(batch.slices.size());
    batch.slices.emplace_back();
    for (const Record& record : decoded.records)
      otlp.Append(record, {origin, metadata, slice}, &batch);
  }
  size_t Assemble() {
    numbers.clear();
    for (uint32_t i = 0; i < batch.records.size(); ++i) numbers.push_back(i);
    return gzip.Compress(request.Assemble(batch, numbers)).size();
  }
};

template <typename Body>
void EncodeOtlp(benchmark::State& state, Body body_of) {
  OtlpPath path(body_of);
  for (auto _ : state) {
    path.batch.Clear();
    path.Encode();
  }
  path.Report(state);
}
BENCHMARK_CAPTURE(EncodeOtlp, json, JsonBodyOf);
BENCHMARK_CAPTURE(EncodeOtlp, text, TextBodyOf);

template <typename Body>
void WholeOtlp(benchmark::State& state, Body body_of) {
  OtlpPath path(body_of);
  size_t wire = 0, encoded = 0;
  for (auto _ : state) {
    path.Decode();
    path.Encode();
    if (path.batch.bytes.size() < kBatchBytes) continue;
    wire = path.Assemble();
    encoded = path.request.bytes();
    path.batch.Clear();
  }
  path.Report(state);
  state.counters["ratio"] = static_cast<double>(encoded) / static_cast<double>(wire);
}
BENCHMARK_CAPTURE(WholeOtlp, json, JsonBodyOf);
BENCHMARK_CAPTURE(WholeOtlp, text, TextBodyOf);

}  // namespace
}  // namespace hinomi

BENCHMARK_MAIN();
