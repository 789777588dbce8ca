// Bodies of any bytes as log records of OTLP: protobuf reads back one record with a body that is as
// long as was said, and a severity that is a piece of what was written.
#include <proto/otlp.pb.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "shipper/encode/otlp.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const hinomi::OtlpEncoder encoder({"demo", "node-1"});
  static const hinomi::Origin origin;
  static const std::string metadata = encoder.Metadata(origin);
  hinomi::Record record;
  record.body = {reinterpret_cast<const char*>(data), size};
  record.time = "2026-01-02T03:04:05.123456789Z";
  hinomi::Batch batch;
  batch.slices.resize(1);
  encoder.Append(record, {origin, metadata, 0}, &batch);

  const hinomi::BatchRecord& encoded = batch.records.front();
  opentelemetry::proto::collector::logs::v1::ScopeLogs logs;
  CHECK(logs.ParseFromArray(batch.bytes.data() + encoded.begin,
                            static_cast<int>(encoded.end - encoded.begin)));
  CHECK(logs.log_records_size() == 1);
  const auto& read = logs.log_records(0);
  CHECK(read.body().string_value().size() >= size);
  CHECK(read.body().string_value().size() > size || read.body().string_value() == record.body);
  CHECK(record.body.find(read.severity_text()) != std::string_view::npos);
  CHECK(read.severity_number() <= 24);
  return 0;
}
