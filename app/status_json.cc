#include "app/status_json.h"

#include "app/json_writer.h"
#include "app/version.h"

namespace hinomi {
namespace {

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

void WriteRates(JsonWriter& json, const StatusRates& rates) {
  json.Member("lines_per_second", rates.lines_per_second);
  json.Member("bytes_per_second", rates.bytes_per_second);
}

void WriteReasons(JsonWriter& json, std::string_view key,
                  const std::map<std::string_view, uint64_t>& bytes) {
  json.Object(key, [&] {
    for (const auto& [reason, count] : bytes) json.Member(reason, count);
  });
}

void WriteTotals(JsonWriter& json, const StatusTotals& totals, const LogsStatus& logs) {
  WriteRates(json, totals.rates);
  json.Member("lines", logs.lines);
  json.Member("bytes", logs.bytes);
  json.Member("pending_bytes", totals.pending_bytes);
  json.Member("oldest_unsettled_seconds", totals.oldest);
  WriteReasons(json, "dropped_bytes", logs.dropped_bytes);
  WriteReasons(json, "lost_bytes", logs.lost_bytes);
}

void WriteSink(JsonWriter& json, const SinkStatus& sink, double records_per_second) {
  json.Member("name", sink.name);
  json.Member("type", sink.type);
  json.Member("target", sink.target);
  const DeliveryStatus& delivery = sink.delivery;
  json.Member("state", ToString(delivery.state));
  json.Member("error", delivery.error);
  json.Member("since_seconds", delivery.since);
  json.Member("batches", delivery.batches);
  json.Member("records", delivery.records);
  json.Member("records_per_second", records_per_second);
  json.Member("in_flight_bytes", delivery.in_flight_bytes);
}

void WriteLog(JsonWriter& json, const LogView& view) {
  const PodInfo& pod = view.log->origin->pod;
  json.Member("namespace", pod.namespace_name);
  json.Member("pod", pod.pod_name);
  json.Member("pod_uid", pod.pod_uid);
  json.Member("container", pod.container_name);
  json.Member("restart", uint64_t{pod.restart_count});
  WriteRates(json, view.rates);
  json.Member("lines", view.log->lines);
  json.Member("bytes", view.log->bytes);
  json.Member("pending_bytes", view.log->pending_bytes);
  json.Member("oldest_unsettled_seconds", view.log->oldest);
}

void WriteHistory(JsonWriter& json, const std::deque<StatusTotals>& history) {
  const auto series = [&](std::string_view key, auto value) {
    json.Array(key, [&] {
      for (const StatusTotals& totals : history) json.Number(static_cast<double>(value(totals)));
    });
  };
  json.Member("every_seconds", StatusBoard::kEvery);
  series("lines_per_second", [](const auto& totals) { return totals.rates.lines_per_second; });
  series("bytes_per_second", [](const auto& totals) { return totals.rates.bytes_per_second; });
  series("pending_bytes", [](const auto& totals) { return totals.pending_bytes; });
  series("oldest_unsettled_seconds", [](const auto& totals) { return Seconds(totals.oldest); });
  series("resident_bytes", [](const auto& totals) { return totals.resident_bytes; });
  series("cpu_percent", [](const auto& totals) { return totals.cpu_percent; });
}

void WriteAll(JsonWriter& json, const StatusView& view) {
  const StatusSample& sample = view.sample;
  const ShipperStatus& shipper = sample.shipper;
  const StatusTotals& now = view.history.back();
  json.Member("version", kVersion);
  json.Member("commit", kCommit);
  json.Member("cluster", view.identity.cluster);
  json.Member("node", view.identity.node);
  json.Member("uptime_seconds", sample.at - view.identity.started);
  json.Member("not_ready", sample.not_ready);
  json.Object("process", [&] {
    json.Member("resident_bytes", now.resident_bytes);
    json.Member("cpu_percent", now.cpu_percent);
    json.Member("cpu_seconds", sample.usage.cpu_seconds);
  });
  json.Array("sources", [&] {
    for (const SourceStatus& source : shipper.sources) {
      json.Object([&] {
        json.Member("name", source.name);
        json.Member("path", source.path);
        json.Member("ready", source.not_ready.empty());
        json.Member("why", source.not_ready);
      });
    }
  });
  json.Object("totals", [&] { WriteTotals(json, now, shipper.logs); });
  json.Array("sinks", [&] {
    for (size_t i = 0; i < shipper.sinks.size(); ++i) {
      json.Object([&] { WriteSink(json, shipper.sinks[i], view.sink_records_per_second[i]); });
    }
  });
  json.Member("logs_total", uint64_t{shipper.logs.logs.size()});
  json.Array("logs", [&] {
    for (const LogView& log : view.logs) json.Object([&] { WriteLog(json, log); });
  });
  json.Object("history", [&] { WriteHistory(json, view.history); });
}

}  // namespace

std::string ToJson(const StatusView& view) {
  JsonWriter json;
  json.Object([&] { WriteAll(json, view); });
  return json.Text();
}

}  // namespace hinomi
