#include "shipper/sink/elasticsearch.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "config/name_parts.h"
#include "shipper/sink/bulk_response.h"
#include "shipper/sink/elasticsearch_check.h"
#include "shipper/sink/elasticsearch_setup.h"

namespace hinomi {
namespace {

bool IsLoopback(std::string_view url) {
  const std::string origin = OriginOf(url);
  const std::string_view host = std::string_view(origin).substr(origin.find("://") + 3);
  return host.starts_with("127.0.0.") || host.starts_with("[::1]") || host == "localhost" ||
         host.starts_with("localhost:");
}

// Where nothing is sent over a wire, compressing it costs more than it saves.
Compression CompressionInEffect(const ElasticsearchConfig& config) {
  if (config.compression != Compression::kAuto) return config.compression;
  const bool here = std::all_of(config.endpoints.begin(), config.endpoints.end(), IsLoopback);
  return here ? Compression::kNone : Compression::kGzip;
}

/// Whether a request that failed so may have been carried out nevertheless.
bool MayBeStored(const ElasticsearchReply& reply) {
  const std::string& code = reply.failure.code;
  return reply.status >= 500 ||
         (reply.status == 0 && code != "connect" && code != "resolve" && code != "tls");
}

}  // namespace

ElasticsearchSink::ElasticsearchSink(const std::string& name, const ElasticsearchConfig& config,
                                     const Environment& environment)
    : config_(config),
      clock_(environment.clock),
      egress_(environment.egress),
      endpoints_(config_.endpoints, environment.clock),
      bulk_path_(fmt::format("{}/_bulk?filter_path={}",
                             HasWords(config_.index) ? "" : "/" + UrlEncoded(config_.index),
                             kBulkFilterPath)),
      sent_bytes_(environment.metrics.CounterOf(
          "hinomi_sink_sent_bytes_total", "Bytes sent, after compression.", {{"sink", name}})),
      request_bytes_max_(std::numeric_limits<uint64_t>::max()),
      doubt_until_(environment.clock.Wall().count()),
      secrets_(environment.files, {config_.password_file, config_.api_key_file, config_.token_file,
                                   config_.ca_file, config_.certificate_file, config_.key_file}) {
  const uint64_t lanes = std::max<uint64_t>(1, config_.requests_max);
  for (uint64_t lane = 0; lane < lanes; ++lane) {
    lanes_.push_back(std::make_unique<Lane>(
        name,
        ElasticsearchClient::Environment{config_, endpoints_, environment.files, environment.clock,
                                         egress_.get()},
        lane));
    const auto level = static_cast<int>(config_.level);
    const Compression compression = CompressionInEffect(config_);
    if (compression == Compression::kGzip) lanes_.back()->gzip.emplace(level);
    if (compression == Compression::kZstd) lanes_.back()->zstd.emplace(level);
  }
}

Attempt ElasticsearchSink::Deliver(Batch& batch, uint32_t lane_index, const std::stop_token& stop) {
  Lane& lane = *lanes_.at(lane_index);
  lane.pending.clear();
  for (uint32_t i = 0; i < batch.records.size(); ++i) {
    if (batch.records[i].outcome == Outcome::kPending) lane.pending.push_back(i);
  }
  if (lane.pending.empty()) return {};
  if (Attempt failure = lane.client.Begin(stop); !failure.error.empty()) return failure;
  if (Attempt failure = Prepare(lane); !failure.error.empty()) return failure;
  if (Attempt failure = lane.earlier_copies.Acknowledge(lane.client, Duration(doubt_until_), &batch,
                                                        &lane.pending);
      !failure.error.empty()) {
    return failure;
  }

  Attempt result;
  for (size_t begin = 0; begin < lane.pending.size();) {
    const Request request = NextRequest(batch, lane, begin);
    const ElasticsearchReply reply = Send(batch, lane, request);
    if (reply.status == 413) {
      Shrink(batch, lane, request);
      if (request.end - request.begin == 1) begin = request.end;
      continue;
    }
    if (MayBeStored(reply)) doubt_until_ = clock_.Wall().count();
    if (!reply.failure.error.empty()) return reply.failure;
    Attempt outcome = Settle(batch, lane, request, reply.body);
    if (outcome.code == "response") doubt_until_ = clock_.Wall().count();
    if (result.error.empty()) result = std::move(outcome);
    begin = request.end;
  }
  return result;
}

Attempt ElasticsearchSink::Try(const std::stop_token& stop) {
  ElasticsearchClient& client = lanes_.front()->client;
  if (Attempt failure = client.Begin(stop); !failure.error.empty()) return failure;
  return CheckServer(&client, config_);
}

Attempt ElasticsearchSink::Prepare(Lane& lane) {
  if (prepared_) return {};
  const std::lock_guard lock(prepare_mutex_);
  if (prepared_) return {};
  Attempt failure = PrepareTarget(&lane.client, config_);
  prepared_ = failure.error.empty();
  return failure;
}

ElasticsearchSink::Request ElasticsearchSink::NextRequest(const Batch& batch, const Lane& lane,
                                                          size_t begin) const {
  const uint64_t bytes_max = request_bytes_max_;
  Request request{.begin = begin, .end = begin};
  while (request.end < lane.pending.size()) {
    const BatchRecord& record = batch.records[lane.pending[request.end]];
    const uint64_t bytes = request.bytes + (record.end - record.begin);
    if (request.end > begin && bytes > bytes_max) break;
    request.bytes = bytes;
    ++request.end;
  }
  return request;
}

ElasticsearchReply ElasticsearchSink::Send(const Batch& batch, Lane& lane, const Request& request) {
  lane.parts.clear();
  for (size_t i = request.begin; i < request.end; ++i) {
    const BatchRecord& record = batch.records[lane.pending[i]];
    CHECK(record.begin <= record.end && record.end <= batch.bytes.size());
    const std::string_view bytes(batch.bytes.data() + record.begin, record.end - record.begin);
    const bool adjacent =
        !lane.parts.empty() && lane.parts.back().data() + lane.parts.back().size() == bytes.data();
    if (adjacent) {
      lane.parts.back() = {lane.parts.back().data(), lane.parts.back().size() + bytes.size()};
    } else {
      lane.parts.push_back(bytes);
    }
  }
  if (lane.gzip) lane.parts.assign(1, lane.gzip->Compress(lane.parts));
  if (lane.zstd) lane.parts.assign(1, lane.zstd->Compress(lane.parts));
  for (std::string_view part : lane.parts) sent_bytes_.Add(static_cast<double>(part.size()));
  return lane.client.Ask({.method = "POST",
                          .path = bulk_path_,
                          .body = lane.parts,
                          .content_type = "application/x-ndjson",
                          .encoding = lane.gzip   ? "gzip"
                                      : lane.zstd ? "zstd"
                                                  : ""});
}

Attempt ElasticsearchSink::Settle(Batch& batch, const Lane& lane, const Request& request,
                                  std::string_view body) const {
  const size_t documents = request.end - request.begin;
  auto refusals = ParseBulkResponse(body, documents);
  if (!refusals) {
    return {.error = fmt::format("cannot send to \"{}\": {}; is that Elasticsearch?",
                                 lane.client.endpoint(), refusals.error().message),
            .code = "response",
            .retry_after = {}};
  }
  for (size_t i = request.begin; i < request.end; ++i) {
    batch.records[lane.pending[i]].outcome = Outcome::kAcknowledged;
  }
  const BulkRefusal* first = nullptr;
  size_t undecided = 0;
  for (BulkRefusal& refusal : *refusals) {
    const uint32_t index = lane.pending[request.begin + refusal.item];
    if (refusal.about_document) {
      batch.records[index].outcome = Outcome::kRejected;
      batch.rejections.push_back({index, std::move(refusal.type), std::move(refusal.reason)});
      continue;
    }
    batch.records[index].outcome = Outcome::kPending;
    ++undecided;
    if (first == nullptr) first = &refusal;
  }
  if (first == nullptr) return {};
  return {.error = fmt::format("cannot send to \"{}\": {} of {} documents refused: {} {}: {}",
                               lane.client.endpoint(), undecided, documents, first->status,
                               first->type, first->reason),
          .code = std::to_string(first->status),
          .retry_after = {}};
}

void ElasticsearchSink::Shrink(Batch& batch, const Lane& lane, const Request& request) {
  if (request.end - request.begin == 1) {
    const uint32_t index = lane.pending[request.begin];
    batch.records[index].outcome = Outcome::kRejected;
    batch.rejections.push_back({index, "request_too_large",
                                fmt::format("{} refused one document of {} bytes with 413",
                                            lane.client.endpoint(), request.bytes)});
    return;
  }
  // What was refused is above the server's limit, so half of it is never below half of that limit.
  uint64_t limit = request_bytes_max_;
  while (limit > request.bytes / 2 &&
         !request_bytes_max_.compare_exchange_weak(limit, request.bytes / 2)) {
  }
}

}  // namespace hinomi
