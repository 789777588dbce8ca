// What can be said of a pod's logs while no agent runs: from the directories and from what the last
// agent has left in its state directory.
#pragma once

#include "base/filesystem.h"
#include "config/config.h"
#include "metadata/pod_query.h"
#include "shipper/pod_facts.h"
#include "shipper/source/survey.h"

namespace hinomi {

/// Never writes.
PodFacts FactsFromDisk(const Config& config, FileSystem& files, const PodQuery& query);

/// Adds the dead letters that are left of what is in `facts`: where an agent runs, of the logs that
/// have some by its ledger, else of all that was found.
void AddDeadLetters(const Config& config, FileSystem& files, PodFacts* facts);

}  // namespace hinomi
