// The sentences about one route of a log: whether it takes it, how far it has come, what it waits
// for, and what it will never deliver.
#pragma once

#include <vector>

#include "app/explain.h"
#include "shipper/source/route_choice.h"

namespace hinomi {

/// Why `route` does or, without an agent, would take the log of `pod`.
Sentence AboutChoice(const ExplainInput& input, size_t route, const RouteChoice& choice,
                     const PodInfo& pod);

/// How far a route that takes the log has come.
std::vector<Sentence> AboutProgress(const ExplainInput& input, const LogFacts& log,
                                    const ReaderFacts& reader);

/// Records of the pod's container that were refused for good, `bytes` of this log as far as its
/// ledger goes back; none where there are none.
std::vector<Sentence> AboutRefused(const ExplainInput& input, const PodInfo& pod, uint64_t bytes);

}  // namespace hinomi
