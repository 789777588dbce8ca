#include "shipper/disk_facts.h"

#include "metadata/pod_json.h"
#include "shipper/sink/dead_letter_search.h"

namespace hinomi {
namespace {

constexpr uint64_t kMetadataBytesMax = 4 << 20;

}  // namespace

PodFacts FactsFromDisk(const Config& config, FileSystem& files, const PodQuery& query) {
  PodFacts facts;
  const FindMetadata find = [&](const std::string& uid) -> std::shared_ptr<const PodMetadata> {
    const Result<std::string> text =
        files.ReadWhole(config.state_dir + "/metadata/" + uid + ".json", kMetadataBytesMax);
    Result<PodMetadata> pod = text ? PodFromJson(*text) : Result<PodMetadata>(text.error());
    return pod ? std::make_shared<const PodMetadata>(std::move(*pod)) : nullptr;
  };
  facts.survey = SurveyLogs(config, files, query, find);
  AddDeadLetters(config, files, &facts);
  return facts;
}

void AddDeadLetters(const Config& config, FileSystem& files, PodFacts* facts) {
  std::set<ContainerKey> wanted;
  for (const LogFacts& log : facts->logs) {
    for (const ReaderFacts& reader : log.readers) {
      const auto& dropped = reader.ledger.settled.dropped;
      if (dropped[static_cast<size_t>(DropReason::kRejected)] == 0) continue;
      wanted.insert({log.pod.pod_uid, log.pod.container_name});
    }
  }
  if (facts->sinks.empty()) {
    for (const SurveyedContainer& container : facts->survey.containers) {
      wanted.insert({container.pod.pod_uid, container.pod.container_name});
    }
  }
  facts->dead_letters = FindDeadLetters(files, config.state_dir + "/dead_letters", wanted);
}

}  // namespace hinomi
