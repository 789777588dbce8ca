// Delivers batches to what takes logs by OTLP over gRPC, such as an OpenTelemetry Collector. Below
// it are OtlpRequest (a request out of a batch) and OtlpClient (one question, one answer).
//
// A request that is refused because of what is in it is sent in halves until the record is found. A
// partial success says how many records were refused and not which: docs/decisions/0015. Knows
// nothing of retries.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/filesystem.h"
#include "base/metrics.h"
#include "config/config.h"
#include "shipper/compress/gzip.h"
#include "shipper/sink.h"
#include "shipper/sink/otlp_client.h"
#include "shipper/sink/otlp_request.h"

namespace hinomi {

class OtlpSink final : public Sink {
 public:
  struct Environment {
    FileSystem& files;  // for the secrets
    Metrics& metrics;
    std::shared_ptr<SinkEgress> egress = nullptr;  // null: as the system has it
  };
  /// `name` is the sink's in the configuration.
  /// Metrics: hinomi_sink_sent_bytes_total{sink}, bytes of requests after compression.
  OtlpSink(const std::string& name, const OtlpConfig& config, const Environment& environment);

  RecordFormat format() const override { return RecordFormat::kOtlp; }
  uint32_t concurrency() const override { return static_cast<uint32_t>(lanes_.size()); }
  Attempt Deliver(Batch& batch, uint32_t lane, const std::stop_token& stop) override;
  /// An empty request.
  Attempt Try(const std::stop_token& stop) override;

 private:
  /// Indices of a batch's records.
  using Records = std::span<const uint32_t>;

  struct Lane {
    Lane(const OtlpConfig& config, const Environment& around)
        : client(config, around.files, around.egress) {}
    OtlpClient client;
    GzipCompressor compressor;
    OtlpRequest request;
    std::vector<uint32_t> pending;
    std::vector<Records> waiting;  // parts of `pending`; the last one is the next
  };

  Records NextRequest(const Batch& batch, Lane& lane) const;
  OtlpReply Send(const Batch& batch, Lane& lane, Records records, const std::stop_token& stop);
  void Taken(Batch& batch, Records records, const OtlpReply& reply);
  void Refused(Batch& batch, Lane& lane, Records records, const OtlpReply& reply);
  static void Reject(Batch& batch, Rejection why);

  const std::string endpoint_;
  const bool gzip_;
  Counter sent_bytes_;
  std::atomic<uint64_t> request_bytes_max_;  // lowered when the server takes no more
  std::atomic<uint64_t> records_max_;        // low when it refuses some of many
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace hinomi
