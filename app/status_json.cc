#include "app/status_json.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>

#include "app/version.h"
#include "shipper/encode/escape.h"

namespace hinomi {
namespace {

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// Members of objects, one after another.
class Writer {
 public:
  Writer() { json_.SetMaxDecimalPlaces(3); }

  void Member(std::string_view key, std::string_view value) {
    Key(key);
    quoted_ = '"';
    AppendEscaped(value, &quoted_);
    quoted_ += '"';
    json_.RawValue(quoted_.data(), quoted_.size(), rapidjson::kStringType);
  }
  void Member(std::string_view key, const char* value) { Member(key, std::string_view(value)); }
  void Member(std::string_view key, uint64_t value) {
    Key(key);
    json_.Uint64(value);
  }
  void Member(std::string_view key, double value) {
    Key(key);
    Number(value);
  }
  void Member(std::string_view key, Duration value) { Member(key, Seconds(value)); }
  void Member(std::string_view key, bool value) {
    Key(key);
    json_.Bool(value);
  }
  template <typename Members>
  void Object(std::string_view key, Members members) {
    Key(key);
    Object(members);
  }
  template <typename Members>
  void Object(Members members) {
    json_.StartObject();
    members();
    json_.EndObject();
  }
  template <typename Items>
  void Array(std::string_view key, Items items) {
    Key(key);
    json_.StartArray();
    items();
    json_.EndArray();
  }
  // JSON has no words for what is no number.
  void Number(double value) { json_.Double(std::isfinite(value) ? value : 0); }

  std::string Text() const { return {text_.GetString(), text_.GetSize()}; }

 private:
  void Key(std::string_view key) {
    json_.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  }

  rapidjson::StringBuffer text_;
  rapidjson::Writer<rapidjson::StringBuffer> json_{text_};
  std::string quoted_;
};

void WriteRates(Writer& json, const StatusRates& rates) {
  json.Member("lines_per_second", rates.lines_per_second);
  json.Member("bytes_per_second", rates.bytes_per_second);
}

void WriteReasons(Writer& json, std::string_view key,
                  const std::map<std::string_view, uint64_t>& bytes) {
  json.Object(key, [&] {
    for (const auto& [reason, count] : bytes) json.Member(reason, count);
  });
}

void WriteTotals(Writer& json, const StatusTotals& totals, const LogsStatus& logs) {
  WriteRates(json, totals.rates);
  json.Member("lines", logs.lines);
  json.Member("bytes", logs.bytes);
  json.Member("pending_bytes", totals.pending_bytes);
  json.Member("oldest_unsettled_seconds", totals.oldest);
  WriteReasons(json, "dropped_bytes", logs.dropped_bytes);
  WriteReasons(json, "lost_bytes", logs.lost_bytes);
}

void WriteSink(Writer& json, const SinkStatus& sink, double records_per_second) {
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

void WriteLog(Writer& json, const LogView& view) {
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

void WriteHistory(Writer& json, const std::deque<StatusTotals>& history) {
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

void WriteAll(Writer& json, const StatusView& view) {
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
  Writer json;
  json.Object([&] { WriteAll(json, view); });
  return json.Text();
}

}  // namespace hinomi
