#include "shipper/sink/otlp.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace hinomi {
namespace {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

}  // namespace

OtlpSink::OtlpSink(const std::string& name, const OtlpConfig& config,
                   const Environment& environment)
    : endpoint_(config.endpoint),
      gzip_(config.compression == Compression::kGzip),
      sent_bytes_(environment.metrics.CounterOf(
          "hinomi_sink_sent_bytes_total", "Bytes sent, after compression.", {{"sink", name}})),
      request_bytes_max_(kNoLimit),
      records_max_(kNoLimit) {
  for (uint64_t lane = 0; lane < std::max<uint64_t>(1, config.requests_max); ++lane) {
    lanes_.push_back(std::make_unique<Lane>(config, environment));
  }
}

Attempt OtlpSink::Deliver(Batch& batch, uint32_t lane_index, const std::stop_token& stop) {
  Lane& lane = *lanes_.at(lane_index);
  lane.pending.clear();
  for (uint32_t i = 0; i < batch.records.size(); ++i) {
    if (batch.records[i].outcome == Outcome::kPending) lane.pending.push_back(i);
  }
  lane.waiting.assign(1, lane.pending);
  while (!lane.waiting.empty()) {
    const Records records = NextRequest(batch, lane);
    if (records.empty()) continue;
    const OtlpReply reply = Send(batch, lane, records, stop);
    if (reply.verdict == OtlpVerdict::kFailed) return reply.failure;
    if (reply.verdict == OtlpVerdict::kTaken) {
      Taken(batch, records, reply);
    } else {
      Refused(batch, lane, records, reply);
    }
  }
  return {};
}

/// As many of the next part as fit into a request; what is left of it stays.
OtlpSink::Records OtlpSink::NextRequest(const Batch& batch, Lane& lane) const {
  const Records part = lane.waiting.back();
  lane.waiting.pop_back();
  const size_t count_max = std::min<uint64_t>(part.size(), records_max_);
  const size_t count = OtlpRequest::Fitting(batch, part.first(count_max), request_bytes_max_);
  if (count < part.size()) lane.waiting.push_back(part.subspan(count));
  return part.first(count);
}

OtlpReply OtlpSink::Send(const Batch& batch, Lane& lane, Records records,
                         const std::stop_token& stop) {
  std::span<const std::string_view> parts = lane.request.Assemble(batch, records);
  std::string_view compressed;
  if (gzip_) {
    compressed = lane.compressor.Compress(parts);
    parts = {&compressed, 1};
  }
  for (std::string_view part : parts) sent_bytes_.Add(static_cast<double>(part.size()));
  return lane.client.Export(parts, gzip_, stop);
}

void OtlpSink::Taken(Batch& batch, Records records, const OtlpReply& reply) {
  if (reply.refused == 0) {
    for (uint32_t record : records) batch.records[record].outcome = Outcome::kAcknowledged;
    // Back to large requests, one record with each.
    uint64_t limit = records_max_;
    if (limit != kNoLimit) records_max_.compare_exchange_strong(limit, limit + 1);
    return;
  }
  const bool all = reply.refused >= records.size();
  if (!all) records_max_ = 1;
  const std::string reason =
      all ? reply.reason
          : fmt::format(
                "{} of {} records that were sent together were refused, it is not said "
                "which, so this one may have arrived: {}",
                reply.refused, records.size(), reply.reason);
  for (uint32_t record : records) {
    Reject(batch, {record, "partial_success", reason, !all});
  }
}

void OtlpSink::Refused(Batch& batch, Lane& lane, Records records, const OtlpReply& reply) {
  const bool too_large = reply.verdict == OtlpVerdict::kTooLarge;
  if (records.size() == 1) {
    const char* const type = too_large ? "request_too_large" : "invalid_argument";
    Reject(batch, {records.front(), type, reply.reason});
    return;
  }
  const size_t half = records.size() / 2;
  lane.waiting.push_back(records.subspan(half));
  lane.waiting.push_back(records.first(half));
  if (!too_large) return;
  // What was refused is above the server's limit, so half of it is never below half of that limit.
  const uint64_t bytes_max = lane.request.bytes() / 2;
  uint64_t limit = request_bytes_max_;
  while (limit > bytes_max && !request_bytes_max_.compare_exchange_weak(limit, bytes_max)) {
  }
}

void OtlpSink::Reject(Batch& batch, Rejection why) {
  batch.records[why.record].outcome = Outcome::kRejected;
  batch.rejections.push_back(std::move(why));
}

Attempt OtlpSink::Try(const std::stop_token& stop) {
  return lanes_.front()->client.Export({}, /*gzip=*/false, stop).failure;
}

}  // namespace hinomi
