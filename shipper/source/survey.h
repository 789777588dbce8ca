// What the directories of logs show of a pod at this moment, for people: which containers are
// there, and what keeps a source from reading them. Looks by itself, so that it can also be asked
// while no agent runs.
#pragma once

#include <functional>
#include <memory>

#include "base/filesystem.h"
#include "config/config.h"
#include "metadata/pod_metadata.h"
#include "metadata/pod_query.h"
#include "shipper/pod_facts.h"

namespace hinomi {

/// Null when nothing is known of the pod with that UID.
using FindMetadata = std::function<std::shared_ptr<const PodMetadata>(const std::string& uid)>;

Survey SurveyLogs(const Config& config, FileSystem& files, const PodQuery& query,
                  const FindMetadata& find);

}  // namespace hinomi
