// Delivers batches to Elasticsearch or OpenSearch by _bulk `create`, and says what became of each
// document. Below it are ElasticsearchClient (one question, one answer) and bulk_response.h (what
// the answer means). Knows nothing of retries: what is not decided stays pending, and the
// documents' ids make sending them again harmless.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/metrics.h"
#include "config/config.h"
#include "shipper/compress/gzip.h"
#include "shipper/compress/zstd.h"
#include "shipper/sink.h"
#include "shipper/sink/earlier_copies.h"
#include "shipper/sink/elasticsearch_client.h"

namespace hinomi {

class ElasticsearchSink final : public Sink {
 public:
  struct Environment {
    FileSystem& files;  // for the secrets
    const Clock& clock;
    Metrics& metrics;
    std::shared_ptr<SinkEgress> egress = nullptr;  // null: as the system has it
  };
  /// `name` is the sink's in the configuration; `config` has at least one endpoint.
  /// Metrics: hinomi_sink_sent_bytes_total{sink}, bytes of request bodies after compression.
  ElasticsearchSink(const std::string& name, const ElasticsearchConfig& config,
                    const Environment& environment);

  RecordFormat format() const override { return RecordFormat::kBulk; }
  uint32_t concurrency() const override { return static_cast<uint32_t>(lanes_.size()); }
  Attempt Deliver(Batch& batch, uint32_t lane, const std::stop_token& stop) override;
  Attempt Try(const std::stop_token& stop) override;
  bool Mended() override { return secrets_.Changed(); }

 private:
  struct Lane {
    Lane(const std::string& sink, const ElasticsearchClient::Environment& environment, size_t index)
        : client(environment, index), earlier_copies(sink, environment.config.index) {}
    ElasticsearchClient client;
    EarlierCopies earlier_copies;
    std::optional<GzipCompressor> gzip;  // one of them, or neither
    std::optional<ZstdCompressor> zstd;
    std::vector<uint32_t> pending;        // indices of the batch's records
    std::vector<std::string_view> parts;  // of the request's body
  };
  /// Records pending[begin, end) of a lane.
  struct Request {
    size_t begin = 0;
    size_t end = 0;
    uint64_t bytes = 0;  // encoded, before compression
  };

  Attempt Prepare(Lane& lane);
  Request NextRequest(const Batch& batch, const Lane& lane, size_t begin) const;
  ElasticsearchReply Send(const Batch& batch, Lane& lane, const Request& request);
  /// Sets the outcomes that `body` tells; says why if some are still pending.
  Attempt Settle(Batch& batch, const Lane& lane, const Request& request,
                 std::string_view body) const;
  /// The server took the request for too large: the next ones are smaller, or its only record is
  /// rejected.
  void Shrink(Batch& batch, const Lane& lane, const Request& request);

  ElasticsearchConfig config_;
  const Clock& clock_;
  const std::shared_ptr<SinkEgress> egress_;
  Endpoints endpoints_;
  std::string bulk_path_;
  Counter sent_bytes_;
  std::mutex prepare_mutex_;
  std::atomic<bool> prepared_ = false;
  std::atomic<uint64_t> request_bytes_max_;  // lowered by each 413
  /// What was written before this, by the wall clock, may be stored without our knowing it: the
  /// start, for the sake of earlier runs, and then when an answer failed to come.
  std::atomic<Duration::rep> doubt_until_;
  FileStamps secrets_;  // of certificates too; lane 0's
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace hinomi
