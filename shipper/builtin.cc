#include "shipper/builtin.h"

#include <algorithm>
#include <iterator>

#include "shipper/sink/archive.h"
#include "shipper/sink/elasticsearch.h"
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
           ElasticsearchSink::Environment{around.files, around.clock, around.metrics});
     }},
    {SinkType::kArchive,
     [](const SinkConfig& config, const SinkSurroundings& around) -> std::unique_ptr<Sink> {
       return std::make_unique<ArchiveSink>(
           ArchiveSink::Options{
               .name = config.name, .cluster = around.cluster, .config = config.archive},
           ArchiveSink::Environment{around.files, around.clock, around.metrics});
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

EcsEncoder MakeEncoder(const Config& config, const SinkConfig& sink, RecordFormat format) {
  const bool indexed = sink.type == SinkType::kElasticsearch;
  return EcsEncoder({format, config.cluster, config.node, indexed ? sink.elasticsearch.index : ""});
}

}  // namespace hinomi
