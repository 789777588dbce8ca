#include "shipper/builtin.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "shipper/sink/archive.h"
#include "shipper/sink/elasticsearch.h"
#include "shipper/sink/kafka.h"
#include "shipper/sink/kafka_exactly_once.h"
#include "shipper/sink/otlp.h"
#include "shipper/sink/stdout.h"

namespace hinomi {
namespace {

struct SinkEntry {
  SinkType type;
  std::unique_ptr<Sink> (*make)(const SinkConfig&, const SinkSurroundings&);
};

constexpr SinkEntry kSinks[] = {
    {SinkType::kElasticsearch,
     [](const SinkConfig& config, const SinkSurroundings& around) -> std::unique_ptr<Sink> {
       return std::make_unique<ElasticsearchSink>(
           config.name, config.elasticsearch,
           ElasticsearchSink::Environment{around.files, around.clock, around.metrics,
                                          around.egress.Of(config.name)});
     }},
    {SinkType::kArchive,
     [](const SinkConfig& config, const SinkSurroundings& around) -> std::unique_ptr<Sink> {
       return std::make_unique<ArchiveSink>(
           ArchiveSink::Options{
               .name = config.name, .cluster = around.cluster, .config = config.archive},
           ArchiveSink::Environment{around.files, around.clock, around.metrics});
     }},
    {SinkType::kKafka,
     [](const SinkConfig& config, const SinkSurroundings& around) -> std::unique_ptr<Sink> {
       const KafkaEnvironment environment{around.cluster, around.node,
                                          around.files,   around.clock,
                                          around.metrics, around.egress.Of(config.name)};
       if (config.kafka.delivery == KafkaDelivery::kExactlyOnce) {
         return std::make_unique<KafkaExactlyOnceSink>(config, around.routes, environment);
       }
       return std::make_unique<KafkaSink>(config, environment);
     }},
    {SinkType::kOtlp,
     [](const SinkConfig& config, const SinkSurroundings& around) -> std::unique_ptr<Sink> {
       return std::make_unique<OtlpSink>(
           config.name, config.otlp,
           OtlpSink::Environment{around.files, around.metrics, around.egress.Of(config.name)});
     }},
    {SinkType::kStdout,
     [](const SinkConfig&, const SinkSurroundings&) -> std::unique_ptr<Sink> {
       return std::make_unique<StdoutSink>();
     }},
};

}  // namespace

std::unique_ptr<Sink> MakeSink(const SinkConfig& config, const SinkSurroundings& around) {
  const auto* const entry =
      std::find_if(std::begin(kSinks), std::end(kSinks),
                   [&](const SinkEntry& candidate) { return candidate.type == config.type; });
  CHECK(entry != std::end(kSinks));
  return entry->make(config, around);
}

std::vector<Problem> CheckSinks(const Config& config) {
  std::vector<Problem> problems;
  for (const SinkConfig& sink : config.sinks) {
    if (sink.type != SinkType::kKafka) continue;
    for (auto& [name, problem] : KafkaProducer::Check(sink.kafka)) {
      problems.push_back(
          {fmt::format("sinks.{}.settings{}{}", sink.name, name.empty() ? "" : ".", name),
           std::move(problem)});
    }
  }
  return problems;
}

Encoder MakeEncoder(const Config& config, const SinkConfig& sink, RecordFormat format) {
  const MetadataConfig& shown = config.metadata;
  if (format == RecordFormat::kOtlp) {
    return OtlpEncoder(
        {config.cluster, config.node, shown.labels, shown.annotations, shown.release_pattern});
  }
  const bool indexed = sink.type == SinkType::kElasticsearch;
  return EcsEncoder({.format = format,
                     .cluster = config.cluster,
                     .node = config.node,
                     .index = indexed ? sink.elasticsearch.index : "",
                     .labels = shown.labels,
                     .annotations = shown.annotations,
                     .dedot = shown.dedot,
                     .release_pattern = shown.release_pattern,
                     .time_zone = sink.elasticsearch.time_zone,
                     .ids = sink.elasticsearch.document_id == DocumentIds::kStable});
}

}  // namespace hinomi
